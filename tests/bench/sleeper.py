"""In place of `tavce/__main__.py`: every data stage sleeps for as long as it is told to, and touches its outputs.

TAVCE_BENCH_SECONDS is JSON, stage → mean seconds; a job's own time is drawn around it, by its shard.
"""

import json
import os
import random
import sys
import time
from itertools import pairwise
from pathlib import Path

OUTPUTS = ("--out", "--records", "--listing")
SPREAD = 0.25  # of the logarithm: shards are of unequal size


def sleep(stage: str, options: dict[str, str]) -> None:
    """Sleep, then touch what the options name as outputs."""
    mean_s = json.loads(os.environ["TAVCE_BENCH_SECONDS"])[stage]
    drawn = random.Random(options.get("--rows", stage)).lognormvariate(-(SPREAD**2) / 2, SPREAD)
    time.sleep(mean_s * drawn)
    for path in (Path(options[name]) for name in OUTPUTS if name in options):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


if __name__ == "__main__":
    chosen, *words = sys.argv[1:]
    if chosen in ("sheet", "finish"):
        from tavce.cli import main  # not before: what a stage takes to start is not Snakemake's

        sys.exit(main([chosen, *words]))
    sleep(chosen, dict(pairwise(words)))

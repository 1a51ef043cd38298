"""How long `snakemake -n` takes for the demo, from nothing done."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measurement import Measurement, seconds

REPOSITORY = Path(__file__).parents[2]
GOAL_S = 3
REPEATS = 5


def measure() -> Iterator[Measurement]:
    """Yield wall-clock seconds."""
    profile = ("--profile", str(REPOSITORY / "profiles" / "demo"))
    command = [sys.executable, "-m", "snakemake", "-s", str(REPOSITORY / "Snakefile"), *profile, "-n", "all"]
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:

        def dry_run() -> None:
            subprocess.run(command, cwd=folder, check=True, capture_output=True)

        dry_run()
        times = [seconds(dry_run) for _ in range(REPEATS)]
    yield Measurement("snakemake -n for the demo", statistics.median(times), "s", at_most=GOAL_S)

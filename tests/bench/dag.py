"""How long `snakemake -n` takes, and how much memory, for the four corpora at full size and as shards grow.

The shards are such that no job of a data stage is longer than two to three hours at the costs of
workflow/config/costs.yaml (`make plan`): short enough for a cluster's shortest queue and to be lost, long enough that
starting costs nothing. A sheet lists three clips: what is measured is Snakemake reading the rules and building the DAG,
which depend on shards alone. Sheets are written beforehand, untimed.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.bench.measurement import Measurement

REPOSITORY = Path(__file__).parents[2]
CORPORA = {"vox1": 128, "vox2": 512, "hdtf": 32, "lrw": 256}
SERIES = (64, 128, 256, 512, 1024, 2048)
GOAL_S, GOAL_MB = 15, 500
GOAL_GROWTH = 1.5  # 1 = linear
REPEATS, SERIES_REPEATS = 3, 2
CLIPS = "path\tspeaker\tsplit\n" + "".join(f"https://example.org/{s}.mp4\t{s}\t{s}\n" for s in ("train", "val", "test"))

# Runs what follows, and says what it took. A process of its own, and small: the peak that the kernel reports of a child
# is never below that of the process which started it.
SMALL = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
took = [time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6]
sys.stderr.buffer.write(done.stderr[-3000:])
print(json.dumps(took))
sys.exit(done.returncode)
"""


@dataclass(frozen=True)
class Cost:
    """What one dry run took."""

    wall_s: float
    core_s: float  # which other work on the machine does not lengthen
    peak_mb: float


def measure() -> Iterator[Measurement]:
    """Yield seconds and MB of dry runs, and how the processor time of a further shard grows."""
    costs = _dry_run(CORPORA, REPEATS)
    name = f"snakemake -n, four corpora of {sum(CORPORA.values())} shards"
    yield Measurement(f"{name}, time", statistics.median(cost.wall_s for cost in costs), "s", at_most=GOAL_S)
    yield Measurement(f"{name}, core time", statistics.median(cost.core_s for cost in costs), "s")
    yield Measurement(f"{name}, memory", max(cost.peak_mb for cost in costs), "MB", at_most=GOAL_MB)
    core_s = {}
    for shards in SERIES:
        best = min(_dry_run({"vox2": shards}, SERIES_REPEATS), key=lambda cost: cost.core_s)
        core_s[shards] = best.core_s
        yield Measurement(f"snakemake -n, {shards} shards, time", best.wall_s, "s")
        yield Measurement(f"snakemake -n, {shards} shards, core time", best.core_s, "s")
        yield Measurement(f"snakemake -n, {shards} shards, memory", best.peak_mb, "MB")
    growth = (core_s[2048] / 2048) / (core_s[256] / 256)
    yield Measurement("snakemake -n, a shard of 2048 / of 256", growth, "times", at_most=GOAL_GROWTH)
    late, early = (core_s[2048] - core_s[512]) / (2048 - 512), (core_s[512] - core_s[64]) / (512 - 64)
    yield Measurement("snakemake -n, a further shard above 512 / below", late / early, "times", at_most=GOAL_GROWTH)


def _dry_run(shards: dict[str, int], repeats: int) -> list[Cost]:
    """Return what dry runs of corpora with so many shards take, from nothing done."""
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        split = {"val": 0.1, "test": 0.1, "seed": 2024}
        corpora = {
            name: {"reader": "folder", "source": "clips.tsv", "shards": count, "split": split}
            for name, count in shards.items()
        }
        Path(folder, "clips.tsv").write_text(CLIPS, encoding="utf-8")
        Path(folder, "config.yaml").write_text(yaml.safe_dump({"corpora": corpora}), encoding="utf-8")
        snakemake(folder, "--list-rules")  # writes the sheets
        return [snakemake(folder, "-n", "all") for _ in range(repeats)]


def snakemake(folder: str, *arguments: str) -> Cost:
    """Run Snakemake with a folder's config.yaml to its end; its peak memory is that of its largest process."""
    place = ["--snakefile", str(REPOSITORY / "Snakefile"), "--configfile", "config.yaml"]
    command = [sys.executable, "-c", SMALL, sys.executable, "-m", "snakemake", *place, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Cost(*json.loads(done.stdout))

"""What Snakemake costs on a real cluster: processor time a job, and how busy it keeps the nodes.

A plan of VoxCeleb2 runs on six nodes of one core: the real rules, profile and executor, with stages that sleep. Their
times are in the proportion of the measured costs of a shard, and so short (seconds, not hours) that starting a job,
waiting for the next look, and the pause before the basis weigh far more than they do in a run.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from tavce.plan.costs import load
from tavce.plan.prices import Dataset, Prices
from tests.bench.measurement import Measurement
from tests.project import copy_repository
from tests.slurm.cluster import Cluster, missing

SHARDS, NODES = 40, 6
MEAN_S = 10.0  # of a job
CHECK_S = 1
BUSY, OVERHEAD_S = 0.9, 2.0  # goals
STAGES = ("download", "trim", "detect", "crop", "quality", "mel", "motion")
JOB = {"mem_mb": 1000, "runtime": 10}


def measure() -> Iterator[Measurement]:
    """Yield processor seconds a job, and the share of the nodes' time in which they have one."""
    reason = missing()
    if reason:
        sys.stderr.write(f"{reason}: `make bench` leaves this out\n")
        return
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
        cluster = Cluster(Path(folder) / "cluster", cpu_nodes=NODES, gpu_nodes=0, cores=1)
        cluster.start()
        try:
            wall_s = _run(Path(folder) / "run", cluster)
            yield from _figures(cluster, wall_s)
        finally:
            cluster.stop()


def seconds() -> dict[str, float]:
    """Return stage → mean seconds of a sleep, in the proportion of what a shard of VoxCeleb2 takes."""
    prices = Prices(load())
    vox2 = Dataset(prices.costs.datasets["vox2"], SHARDS)
    taken = {stage: prices.shard(stage, "vox2", vox2).wall_s for stage in STAGES}
    scale = MEAN_S * len(STAGES) / sum(taken.values())
    return {**{stage: value * scale for stage, value in taken.items()}, "basis": MEAN_S}


def _run(folder: Path, cluster: Cluster) -> float:
    """Run the data stages of all shards; return the seconds that takes."""
    copy_repository(folder)
    shutil.copyfile(Path(__file__).with_name("sleeper.py"), folder / "tavce/__main__.py")
    clips = "".join(f"https://example.org/{n}.mp4\t{n}\t{'train' if n % 9 else 'test'}\n" for n in range(20 * SHARDS))
    (folder / "clips.tsv").write_text(f"path\tspeaker\tsplit\n{clips}")
    corpus = {
        "reader": "folder",
        "source": "clips.tsv",
        "shards": SHARDS,
        "split": {"val": 0.1, "test": 0.1, "seed": 1},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump({"corpora": {"vox2": corpus}}))
    site = {"check_seconds": CHECK_S, "rules": dict.fromkeys((*STAGES, "basis"), JOB)}
    (folder / "profiles/slurm/site.yaml").write_text(yaml.safe_dump(site))
    targets = [f"results/vox2/{stage}/{shard:04d}.h5" for stage in ("motion", "mel") for shard in range(SHARDS)]
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", *targets, "--configfile", "config.yaml"]
    variables = {"PYTHONPATH": str(folder), "TAVCE_BENCH_SECONDS": json.dumps(seconds())}
    environment = {**cluster.environment, **variables}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return time.perf_counter() - began


def _figures(cluster: Cluster, wall_s: float) -> Iterator[Measurement]:
    jobs = cluster.jobs("JobIDRaw", "Start", "End", "ElapsedRaw")
    began = min(_time(start) for _, start, _, _ in jobs)
    ended = max(_time(end) for _, _, end, _ in jobs)
    busy = sum(float(elapsed) for *_, elapsed in jobs) / (NODES * (ended - began))
    yield Measurement(f"{NODES} nodes in a run of {len(jobs)} jobs of {MEAN_S:g} s, busy", busy, "of 1", at_least=BUSY)
    yield Measurement(f"a run of {len(jobs)} jobs of {MEAN_S:g} s", wall_s, "s")
    steps = cluster.run("sacct", "-n", "--parsable2", "--starttime", "00:00", "--format=JobID,TotalCPU").splitlines()
    spent = [_clock(said) for job, said in (line.split("|") for line in steps) if job.endswith(".batch")]
    yield Measurement("Snakemake in a job", sum(spent) / len(spent), "core s a job", at_most=OVERHEAD_S)


def _time(said: str) -> float:
    return time.mktime(time.strptime(said, "%Y-%m-%dT%H:%M:%S"))


def _clock(said: str) -> float:
    """Return `[HH:]MM:SS.mmm` in seconds."""
    value = 0.0
    for part in said.split(":"):
        value = 60 * value + float(part)
    return value

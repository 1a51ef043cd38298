"""The user's own costs, from what Snakemake measured of jobs that ran.

Reads   benchmarks/{stage}/{dataset}/{shard}.tsv (`s`, `cpu_time`, `max_rss`), and of the same shards the records of
        `trim`, which say how many seconds of video there were, and the sizes of the stages' arrays
Wall time is what counts here, as a cluster counts it: Snakemake samples `cpu_time` every half minute, and misses the
ffmpeg processes that came and went in between.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tavce.records import InputError, read_records
from tavce.stages import SHARD_STAGES

SHORT_JOB_S = 30


@dataclass(frozen=True)
class Rate:
    """What a stage took in finished jobs: for each second of video, and at most."""

    jobs: int
    wall_s: float  # for each second of video
    bytes: float  # for each second of video
    peak_mb: float | None  # of the largest job; None where all were too short for Snakemake to look
    mean_s: float  # of a job

    @property
    def mostly_start(self) -> bool:
        """Whether the jobs were so short that their start is most of what they took."""
        return self.mean_s < SHORT_JOB_S


@dataclass(frozen=True)
class Job:
    """One finished job."""

    stage: str
    dataset: str
    wall_s: float
    peak_mb: float | None
    seconds: float  # of video
    bytes: int


def read(folder: str, results: str) -> dict[tuple[str | None, str], Rate]:
    """Return the rate of every stage that has benchmarks, by dataset and stage; a dataset None is all of them together.

    Raises:
        InputError: there are no benchmarks, one of them is empty, or a shard's records are not there.
    """
    if not Path(folder).is_dir():
        raise InputError(f"--benchmarks {folder} is no folder: name the one that Snakemake wrote, or leave it out")
    groups: dict[tuple[str | None, str], list[Job]] = defaultdict(list)
    for job in _jobs(Path(folder), Path(results)):
        groups[job.dataset, job.stage].append(job)
        groups[None, job.stage].append(job)
    if not groups:
        raise InputError(f"--benchmarks {folder} holds no {{stage}}/{{dataset}}/{{shard}}.tsv of {[*SHARD_STAGES]}")
    rates = {key: _rate(jobs) for key, jobs in groups.items() if any(job.seconds for job in jobs)}
    if not rates:
        raise InputError(f"--benchmarks {folder}: no clip was kept in the shards it is of: there is nothing to learn")
    return rates


def _jobs(folder: Path, results: Path) -> Iterator[Job]:
    for stage in SHARD_STAGES:
        for path in sorted(folder.glob(f"{stage}/*/*.tsv")):
            wall_s, peak_mb = _figures(path)
            dataset = path.parent.name
            seconds = _seconds(results / dataset / "trim" / f"{path.stem}.jsonl")
            if seconds is None:
                raise InputError(f"{path} is of a shard without records: name the folder of results with --results")
            yield Job(stage, dataset, wall_s, peak_mb, seconds, _bytes(results / dataset / stage, path.stem))


def _figures(path: Path) -> tuple[float, float | None]:
    """Return a job's wall time in seconds and its peak memory in MB, as Snakemake wrote them."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = [*csv.DictReader(file, delimiter="\t")]
    try:
        figures = lines[-1]
        wall_s = float(figures["s"])
    except (IndexError, KeyError, ValueError, TypeError):
        raise InputError(f"{path} holds no measurement: remove it, or rerun its job") from None
    peak = figures.get("max_rss") or "NA"
    return wall_s, None if peak in ("NA", "-") else float(peak) * 2**20 / 1e6


@cache
def _seconds(records: Path) -> float | None:
    """Return how long the clips of a shard last, from what `trim` says of them; None where it says nothing."""
    if not records.is_file():
        return None
    return math.fsum(float(record.numbers["seconds"] or 0) for record in read_records(records) if record.kept)


def _bytes(folder: Path, shard: str) -> int:
    """Return the size of a shard's arrays, or of the videos that it downloaded."""
    arrays, records = folder / f"{shard}.h5", folder / f"{shard}.jsonl"
    if arrays.is_file():
        return arrays.stat().st_size
    if not records.is_file():
        return 0
    fetched = {
        record.numbers["path"]: record.numbers.get("bytes", 0) for record in read_records(records) if record.kept
    }
    return sum(int(size or 0) for size in fetched.values())


def _rate(jobs: Iterable[Job]) -> Rate:
    jobs = [*jobs]
    seconds = math.fsum(job.seconds for job in jobs)
    peaks = [job.peak_mb for job in jobs if job.peak_mb is not None]
    return Rate(
        jobs=len(jobs),
        wall_s=math.fsum(job.wall_s for job in jobs) / seconds,
        bytes=sum(job.bytes for job in jobs) / seconds,
        peak_mb=max(peaks, default=None),
        mean_s=math.fsum(job.wall_s for job in jobs) / len(jobs),
    )

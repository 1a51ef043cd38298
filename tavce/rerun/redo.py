"""Do a part of the data stages anew: one video, the drops of one reason, or one dataset.

Reads   results/{dataset}/sheet/*.jsonl, and the records of the data stages beside it
Runs    Snakemake twice, with the arguments behind `--`: first the chosen stage of the shards that hold those clips,
        then everything as usual. Where the first gave the same files as before, the second has nothing to do: a
        failed download that fails again trains nothing anew.

A job is a shard, so the other clips of those shards are done again too. What lies in store/raw is not downloaded
again; only what is missing there is tried, with `--reason` only what was lost for it.
"""

import argparse
import difflib
import logging
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tavce.records import RETRY_REASON, InputError, Reason, read_records, read_rows
from tavce.stages import SHARD_STAGES

log = logging.getLogger(__name__)
RESULTS = Path("results")  # as the rules name it
LAST_STAGES = ("mel", "motion")  # of a shard: nothing of one follows
SHOWN = 5  # files in the log's line on what is chosen
DRY = {"-n", "--dry-run", "--dryrun"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--video", help="video_id in the sheet (--video=-x if it begins with -): all stages of its shard")
    what.add_argument(
        "--reason",
        "--retry-reason",
        help="why clips were dropped: the stage that dropped them, of their shards; "
        "downloads are tried again that were lost for this, no others",
    )
    parser.add_argument("--dataset", help="this dataset only; alone: every stage of all its shards")
    parser.add_argument("--stage", choices=SHARD_STAGES, help="from this stage on; with --reason: this stage instead")
    parser.add_argument("snakemake", nargs="+", help="after `--`: the arguments of the run, as always")


def run(arguments: argparse.Namespace) -> None:
    """Do the chosen shards anew, then what follows; exit with Snakemake's status where it fails.

    Raises:
        InputError: nothing is chosen, or nothing of the results fits. Snakemake is then not started.
    """
    chosen = choose(arguments)
    log.info("anew: %s%s", ", ".join(chosen.files[:SHOWN]), ", …" * (len(chosen.files) > SHOWN))
    forced = ["--forcerun", *chosen.files]
    if DRY & set(arguments.snakemake):
        log.info("this is the most that can follow: what comes out the same passes nothing on")
        _snakemake([*arguments.snakemake, *forced])
        return
    _snakemake([*arguments.snakemake, *forced, "--until", *chosen.until, "--no-hooks"], chosen.environment)
    _snakemake(arguments.snakemake)


@dataclass(frozen=True)
class Chosen:
    """Which files Snakemake makes anew, at which it stops before it goes on as usual, and what its jobs are told."""

    files: list[str]
    until: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Shard:
    """One shard of a dataset's results."""

    folder: Path
    name: str

    def records(self, stage: str) -> Path:
        """Return where a stage's records of this shard lie."""
        return self.folder / stage / f"{self.name}.jsonl"


def choose(wanted: argparse.Namespace) -> Chosen:
    """Return the files to make anew for a `video`, a `reason`, a `dataset` and a `stage`, each of which may be None.

    Raises:
        InputError: nothing is chosen, or it is unknown, or no clip fits; the message names what is known.
    """
    shards = _shards(wanted.dataset)
    if wanted.reason is not None:
        return _dropped(shards, wanted)
    if wanted.video is not None:
        shards = _of_video(shards, wanted.video)
    elif wanted.dataset is None:
        raise InputError("say what to do anew: --video, --reason or --dataset")
    first = wanted.stage or SHARD_STAGES[0]
    last = [first] if first in LAST_STAGES else LAST_STAGES
    return Chosen(_files(shards, [first]), _files(shards, last))


def _shards(dataset: str | None) -> list[Shard]:
    found = [Shard(path.parents[1], path.stem) for path in sorted(RESULTS.glob("*/sheet/*.jsonl"))]
    datasets = sorted({shard.folder.name for shard in found})
    if not found:
        raise InputError(f"{RESULTS} holds no sheet: run the pipeline first, in the folder it runs in")
    if dataset is not None and dataset not in datasets:
        raise InputError(f"dataset '{dataset}' is none of {', '.join(datasets)}")
    return [shard for shard in found if dataset in (None, shard.folder.name)]


def _of_video(shards: list[Shard], video: str) -> list[Shard]:
    """Return the shards with rows of the video: one in each dataset that has it."""
    videos = {shard: {row.video_id for row in read_rows(shard.records("sheet"))} for shard in shards}
    found = [shard for shard in shards if video in videos[shard]]
    if not found:
        near = difflib.get_close_matches(video, sorted(set().union(*videos.values())), n=3, cutoff=0.4)
        raise InputError(f"video '{video}' is in no sheet" + (f": did you mean {' or '.join(near)}?" if near else ""))
    return found


def _dropped(shards: list[Shard], wanted: argparse.Namespace) -> Chosen:
    """Return the records of the stages that dropped clips for the reason, or of the stage that is asked for."""
    if wanted.reason not in [*Reason]:
        raise InputError(f"reason '{wanted.reason}' is none of {', '.join(_nearest_first(wanted.reason))}")
    found = {(shard, stage) for shard in shards for stage in SHARD_STAGES if _drops(shard, stage, wanted.reason)}
    if not found:
        raise InputError(
            f"no clip was dropped as {wanted.reason} by {', '.join(SHARD_STAGES)}: nothing to do anew "
            "(what the sheet itself refuses is looked at in every run)"
        )
    files = sorted({str(shard.records(wanted.stage or stage)) for shard, stage in found})
    lost_by_download = "download" in {stage for _, stage in found}
    return Chosen(files, files, {RETRY_REASON: wanted.reason} if lost_by_download else {})


def _drops(shard: Shard, stage: str, reason: str) -> bool:
    """Return whether a stage dropped a clip of the shard for the reason."""
    path = shard.records(stage)
    records = read_records(path) if path.is_file() else []
    return any(record.reason == reason and record.lost_at == stage for record in records)


def _nearest_first(word: str) -> list[str]:
    return sorted(Reason, key=lambda reason: -difflib.SequenceMatcher(None, word, reason).ratio())


def _files(shards: Iterable[Shard], stages: Iterable[str]) -> list[str]:
    return [str(shard.records(stage)) for shard in shards for stage in stages]


def _snakemake(arguments: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run Snakemake to its end, with `environment` on top of this one; leave with its status where it fails."""
    log.info("snakemake %s", shlex.join(arguments))
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches Snakemake as well, which ends its jobs and itself
    command = [sys.executable, "-m", "snakemake", *arguments]
    if status := subprocess.run(command, env={**os.environ, **(environment or {})}).returncode:
        sys.exit(status)

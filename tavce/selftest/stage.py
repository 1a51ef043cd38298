"""Ask every metric about clips whose answer is known: does it do what its definition says, on this machine?

Reads   the dataset's index, the crops it names, and the records and mp4s of the method ground_truth
Writes  JSON: every check with its values and whether it passed (null: not asked, with the reason); the same as Markdown
A check that fails ends the stage with status 1 once both are written, and is named on stderr.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch

from tavce import store
from tavce.dataset import Entry, read_index
from tavce.files import input_file, write_json, write_text
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Group, Setup
from tavce.measure.metrics import METRIC
from tavce.measure.reading import read_frames, read_sound
from tavce.measure.scoring import GROUPS
from tavce.records import ClipError, InputError, read_records
from tavce.selftest.checks import Check, check_all

log = logging.getLogger(__name__)
UNASKED = Sound(None, "other sound is not asked for")
RESULTS = {True: "passed", False: "**failed**", None: "not asked"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--index", type=input_file, required=True, help="the dataset's index, .parquet")
    parser.add_argument(
        "--records", type=input_file, required=True, help="what is said of ground_truth's clips, .jsonl"
    )
    parser.add_argument("--videos", required=True, help="folder of ground_truth's CLIP_ID.mp4")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--clips", type=int, default=4, help="how many clips are asked about, the first of the records")
    parser.add_argument("--tavc", type=input_file, nargs="?", help="best.pt of the metric that TAVC asks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", required=True, help="output: the checks, .json")
    parser.add_argument("--markdown", required=True, help="output: the same to read, .md")


def run(arguments: argparse.Namespace, kinds: Sequence[type[Group]] = GROUPS) -> None:
    """Ask the metrics of all groups, and write what they gave.

    Raises:
        InputError: no clip was kept, or a kept one has no line in the index or no video that can be read.
        SystemExit: a check failed, with its words.
    """
    cv2.setNumThreads(arguments.threads)
    torch.set_num_threads(arguments.threads)
    setup = Setup.of(arguments.settings, arguments.tavc)
    clips = read_clips(arguments, setup)
    checks = check_all([kind(setup) for kind in kinds], clips)
    failed = [check for check in checks if check.passed is False]
    said = {"dataset": arguments.dataset, "passed": not failed, "clips": [clip.clip_id for clip in clips]}
    write_json(arguments.json, {**said, "checks": [check.line() for check in checks]})
    write_text(arguments.markdown, to_markdown(arguments.dataset, len(clips), checks))
    passed = sum(check.passed is True for check in checks)
    log.info(
        "selftest: %d checks passed, %d failed, %d not asked", passed, len(failed), len(checks) - passed - len(failed)
    )
    if failed:
        raise SystemExit(f"tavce selftest: {arguments.dataset}: {'; '.join(map(sentence, failed))}")


def read_clips(arguments: argparse.Namespace, setup: Setup) -> list[Clip]:
    """Return the first clips of ground_truth, each its own reference.

    Raises:
        InputError: none was kept, or one has no line in the index or no video that can be read.
    """
    kept = [record.clip_id for record in read_records(arguments.records) if record.kept][: arguments.clips]
    if not kept:
        raise InputError(f"{arguments.records} has no kept clip to ask metrics about: see the reasons in it")
    index = {entry.clip_id: entry for entry in read_index([arguments.index])}
    if unknown := [clip_id for clip_id in kept if clip_id not in index]:
        raise InputError(f"{unknown[0]} is not in the index of {arguments.dataset}: rerun the stage index")
    return [_clip(index[clip_id], Path(arguments.videos) / f"{clip_id}.mp4", setup) for clip_id in kept]


def _clip(entry: Entry, video: Path, setup: Setup) -> Clip:
    rate_hz = setup.window.rate_hz
    try:
        frames = read_frames(video, rate_hz, setup.side_px)
    except ClipError as error:
        raise InputError(f"{error}: rerun synthesise for ground_truth") from error
    with store.open_shard(entry.crop) as crops:
        crop_px = int(crops[entry.clip_id].attrs["size_px"])
    return Clip(entry.clip_id, frames, frames, crop_px, read_sound(video, entry, rate_hz), UNASKED, setup.settings)


def sentence(check: Check) -> str:
    """Return what a check asked, expected and got, in words."""
    got = ", ".join("none" if value is None else f"{value:.4g}" for value in check.values) or "no number"
    return f"{METRIC[check.metric].heading} with {check.what} gave {got}, expected: {check.expected}"


def to_markdown(dataset: str, clips: int, checks: Sequence[Check]) -> str:
    """Return the checks as a table."""
    lines = [f"# What the metrics give for known answers: {dataset}, {clips} clips", ""]
    lines += ["| Metric | Asked | Expected | Given | Result |", "|---|---|---|---|---|"]
    for check in checks:
        given = ", ".join("none" if value is None else f"{value:.4g}" for value in check.values)
        result = RESULTS[check.passed] + (f": {check.reason}" if check.reason else "")
        cells = (METRIC[check.metric].heading, check.what, check.expected, given, result)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"

"""Gather the test videos of another method: those of a folder, or those that a command makes.

Reads   the dataset's index and its records, and a folder with CLIP_ID.mp4; for a command the shards, too
Writes  {videos}/CLIP_ID.mp4, the same bytes whatever the container, and one record a test clip of the sheet: what the
        video is, and why it is not used where it is not
Policy  another rate, size or container, a missing sound, and a length up to score.max_frames_apart from the clip's
        are noted; `judge` says what drops a clip. Videos of several clips with the same bytes are noted and warned of.
"""

import argparse
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tavce.config import parse_sections
from tavce.dataset import Entry, read_index
from tavce.files import input_file, whole
from tavce.methods.command import Command
from tavce.methods.folder import match, place
from tavce.methods.given import Given
from tavce.methods.judge import Wanted, judge
from tavce.progress import progress
from tavce.records import ClipError, ClipRecord, InputError, Reason, read_records, write_lines
from tavce.stages import STAGES

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--method", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--index", type=input_file, required=True)
    parser.add_argument(
        "--fates", type=input_file, required=True, help="the index's records: every clip of the sheet, lost ones too"
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--source", help="folder with CLIP_ID.mp4, or with DATASET/CLIP_ID.mp4")
    which.add_argument("--command", help="makes one video: {portrait} and {audio} are given, {out} is to be written")
    parser.add_argument("--timeout-s", type=int, default=3600, help="longest for one clip (default: 3600)")
    parser.add_argument("--videos", required=True, help="output: folder of the videos")
    parser.add_argument("--records", required=True, help="output: one record a test clip, .jsonl")


def run(arguments: argparse.Namespace) -> None:
    """Gather the videos of one method on one dataset.

    Raises:
        InputError: no video of the folder is of a test clip, as `folder.match` says; the command cannot be started,
            or failed for every clip.
    """
    fates = [record for record in read_records(arguments.fates) if record.split == "test"]
    kept = any(record.kept for record in fates)
    entries = {entry.clip_id: entry for entry in read_index([arguments.index], "test")} if kept else {}
    Path(arguments.videos).mkdir(parents=True, exist_ok=True)
    records = _records(arguments, fates, entries) if kept else map(_stamped, fates)
    write_lines(arguments.records, _compared(arguments.method, [*records]))


class Source(Protocol):
    """Where the videos come from."""

    def video(self, entry: Entry) -> AbstractContextManager[Path]:
        """Return what yields the video of a clip; its block ends with an exception where that cannot be used."""


@dataclass(frozen=True)
class Folder:
    """Videos that lie in a folder of the user's."""

    where: Path
    found: dict[str, Path]

    @contextmanager
    def video(self, entry: Entry) -> Iterator[Path]:
        """Yield the path of a clip's video.

        Raises:
            ClipError: `missing_file`.
        """
        if entry.clip_id not in self.found:
            raise ClipError(Reason.MISSING_FILE, f"{self.where / entry.clip_id}.mp4 is not there")
        yield self.found[entry.clip_id]


def choose(arguments: argparse.Namespace, entries: dict[str, Entry]) -> Source:
    """Return where the videos come from.

    Raises:
        InputError: as `folder.match` and `Command`.
    """
    if arguments.command is None:
        where = place(arguments.source, arguments.dataset)
        return Folder(where, match(arguments.source, arguments.dataset, entries.keys()))
    videos = Path(arguments.videos)
    made = videos.with_name(f"{videos.name}.made")
    return Command(arguments.command, arguments.timeout_s, made, Given.of(arguments.settings))


def _records(arguments: argparse.Namespace, fates: list[ClipRecord], entries: dict[str, Entry]) -> Iterator[ClipRecord]:
    """Yield what becomes of every clip; the videos that can be used are copied."""
    sections = parse_sections(arguments.settings)
    window, side_px = sections["window"], sections["synthesise"].image_px
    source = choose(arguments, entries)
    for fate in progress(fates, arguments.method):
        record = _stamped(fate)
        if fate.kept:
            entry = entries[fate.clip_id]
            wanted = Wanted(entry.frames, window.rate_hz, side_px, sections["score"].max_frames_apart)
            try:
                with source.video(entry) as video:
                    judged = judge(video, wanted)
                    with whole(Path(arguments.videos, f"{entry.clip_id}.mp4")) as part:
                        shutil.copyfile(video, part)
            except ClipError as error:
                log.warning("%s of %s dropped: %s", entry.clip_id, arguments.method, error)
                lost = {"reason": error.reason, "lost_at": "gather", "detail": error.detail}
                record = record.model_copy(update=lost)
            else:
                said = {"detail": "; ".join(judged.notes), "numbers": judged.numbers}
                record = record.model_copy(update=said)
        yield record


def _stamped(fate: ClipRecord) -> ClipRecord:
    return fate.model_copy(update={"stage": "gather", "version": STAGES["gather"].version})


def _compared(method: str, records: list[ClipRecord]) -> list[ClipRecord]:
    """Return the records with a note in those whose videos have the same bytes, which is a sign of a mistake.

    Raises:
        InputError: the command failed for every clip.
    """
    ours = [record for record in records if record.kept or record.lost_at == "gather"]
    if ours and all(record.reason == Reason.METHOD_FAILED for record in ours):
        raise InputError(f"{method} made none of {len(ours)} videos: {ours[0].clip_id}: {ours[0].detail}")
    same: dict[str, list[str]] = defaultdict(list)
    for record in ours:
        if record.kept:
            same[str(record.numbers["sha256"])].append(record.clip_id)
    for clips in same.values():
        if len(clips) > 1:
            log.warning("%s has one and the same video for %d clips: %s", method, len(clips), ", ".join(clips[:3]))
    return [_noted(record, same) if record.kept else record for record in records]


def _noted(record: ClipRecord, same: dict[str, list[str]]) -> ClipRecord:
    others = [clip_id for clip_id in same[str(record.numbers["sha256"])] if clip_id != record.clip_id]
    if not others:
        return record
    words = f"the same video as {others[0]}" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
    detail = "; ".join(filter(None, [record.detail, words]))
    return record.model_copy(update={"detail": detail, "numbers": {**record.numbers, "same_as": others[0]}})

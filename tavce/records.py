"""What happened to every clip: sheet rows, clip records and the closed list of reasons.

A stage writes one record for every clip of its sheet, in the sheet's order, lost ones included, so that
the counts of every stage add up to the sheet.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from tavce.files import write_text

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)  # from the least held out to the most
Numbers = Mapping[str, int | float | str | None]
RETRY_REASON = "TAVCE_RETRY_REASON"  # names the reasons for which alone `download` asks for lost videos again


class Reason(StrEnum):
    """Why a clip was dropped."""

    MISSING_FILE = "missing_file"
    MISSING_ANNOTATION = "missing_annotation"
    BAD_ANNOTATION = "bad_annotation"
    DUPLICATE_ROW = "duplicate_row"
    LEAK = "leak"
    UNAVAILABLE = "unavailable"
    PRIVATE = "private"
    REMOVED = "removed"
    GEO_BLOCKED = "geo_blocked"
    AGE_GATED = "age_gated"
    RATE_LIMITED = "rate_limited"
    NETWORK = "network"
    NO_FORMAT = "no_format"
    DISK_FULL = "disk_full"
    DOWNLOAD_FAILED = "download_failed"
    EMPTY_FILE = "empty_file"
    NOT_A_VIDEO = "not_a_video"
    NO_AUDIO = "no_audio"
    SILENT = "silent"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    MISSING_FRAMES = "missing_frames"
    DAMAGED = "damaged"
    AV_MISMATCH = "av_mismatch"
    NO_FACE = "no_face"
    OTHER_FACE = "other_face"
    FACE_LOST = "face_lost"
    SMALL_FACE = "small_face"
    UNSTEADY = "unsteady"
    OUT_OF_FRAME = "out_of_frame"
    POSE_FAILED = "pose_failed"
    POSE_RANGE = "pose_range"
    BLURRED = "blurred"
    OCCLUDED = "occluded"
    SCENE_CUTS = "scene_cuts"
    SEVERAL_FACES = "several_faces"
    STILL = "still"
    OUT_OF_SYNC = "out_of_sync"
    DUPLICATE = "duplicate"
    WRONG_SIZE = "wrong_size"
    METHOD_FAILED = "method_failed"  # another method's command failed, or made no video


class ClipError(Exception):
    """The one exception that drops a clip; anything else is a bug and ends the job.

    `numbers` go into the clip's record: what was measured before it was dropped.
    """

    def __init__(self, reason: Reason, detail: str, numbers: Numbers | None = None):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.numbers = dict(numbers or {})


class InputError(Exception):
    """Something the user gave cannot be used; the message names it and the remedy. Ends the command, exit code 2."""


class Row(BaseModel):
    """One line of a sheet: a clip as its corpus describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str
    dataset: str
    split: Split
    speaker: str
    video_id: str
    source: str  # a url, or a path
    stamp: str = ""  # size and time of a local source, so that a changed file is a changed row
    start_frame: int = 0  # at 25 fps
    end_frame: int | None = None  # inclusive; None = to the end of the video
    audio_offset_frames: int = 0  # video index - audio index, as SyncNet gives it: above 0 the sound is early
    boxes: str = ""  # of the face, frame by frame (tavce/boxes.py); "" = not annotated
    listed: Split | None = None  # the split its corpus names, where `leaks` moved the clip to another
    licence: str = "unknown"
    reason: Reason | None = None  # None = usable
    detail: str = ""  # why it is not usable, or what had to be assumed

    @model_validator(mode="after")
    def _frames_in_order(self) -> Self:
        if self.start_frame < 0 or (self.end_frame is not None and self.end_frame < self.start_frame):
            raise ValueError(f"{self.clip_id}: frames {self.start_frame}..{self.end_frame} are not in order")
        return self


class ClipRecord(BaseModel):
    """What one stage says of one clip. `lost_at` names the stage that dropped it, this one or an earlier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str
    dataset: str
    split: Split
    speaker: str
    stage: str
    version: int
    reason: Reason | None = None  # None = kept
    lost_at: str | None = None
    detail: str = ""
    numbers: dict[str, int | float | str | None] = {}

    @property
    def kept(self) -> bool:
        """Whether the clip goes on to the next stage."""
        return self.reason is None


def write_lines(path: str | Path, items: Iterable[BaseModel]) -> None:
    """Write one JSON object a line, whole or not at all."""
    write_text(path, "".join(item.model_dump_json() + "\n" for item in items))


def read_rows(path: str | Path) -> list[Row]:
    """Return the rows of a sheet's shard."""
    return [Row.model_validate_json(line) for line in _lines(path)]


def read_records(path: str | Path) -> list[ClipRecord]:
    """Return the records a stage wrote for a shard."""
    return list(iterate_records(path))


def iterate_records(path: str | Path) -> Iterator[ClipRecord]:
    """Yield the records of a file, one after the other."""
    for line in _lines(path):
        yield ClipRecord.model_validate_json(line)


def _lines(path: str | Path) -> Iterator[str]:
    """Yield the lines of a file; U+2028 and its like, which `splitlines` breaks at, are text."""
    with open(path, encoding="utf-8", newline="\n") as file:
        yield from file

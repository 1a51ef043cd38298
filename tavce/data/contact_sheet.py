"""Draw clips as they lie in results/, to be looked at: what was followed, and what was cut out of it.

Reads   trimmed clips, `detect` and `crop` of a dataset, with their records
Writes  a JPEG a clip: a caption; frames of the trimmed clip with the face's box, its landmarks and the crop's square;
        below each its crop, with its landmarks. Of a dropped clip, frames from all of it and the reason.
Only clips that were cut can be seen: what was lost before has no frames.
"""

import argparse
import logging
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import h5py
import numpy as np

from tavce import media, store
from tavce.files import whole
from tavce.records import ClipRecord, InputError, Reason, iterate_records, read_records

log = logging.getLogger(__name__)

STAGES = ("trim", "detect", "crop")
NUMBERED = ("detect", "crop")  # whose numbers are written beside those of `quality`
WITHOUT_FRAMES = ("sheet", "download", "trim")  # a clip that is lost there was never cut
FIRST = 12  # clips that are drawn where none is named
CELL_PX, GAP_PX, LINE_PX, LETTER_PX = 256, 4, 18, 8
BOX, POINTS, SQUARE = (255, 210, 0), (60, 255, 60), (255, 60, 60)  # RGB
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
PAPER, INK = 255, (0, 0, 0)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--dataset", required=True, help="the corpus' name")
    parser.add_argument("--results", default="results", help="where the datasets lie (default: results)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--clip", nargs="+", action="extend", default=[], help=f"ids of clips (default: the first {FIRST})"
    )
    parser.add_argument(
        "--reason", choices=[*map(str, Reason)], help=f"the first {FIRST} clips dropped for this reason"
    )
    parser.add_argument("--frames", type=int, default=8, help="frames of a clip (default: 8)")
    parser.add_argument("--out", required=True, help="a folder, in which every clip has its CLIP_ID.jpg")


def run(arguments: argparse.Namespace) -> None:
    """Draw the chosen clips of a dataset.

    Raises:
        InputError: `frames` is below 1, a file is not there, or no clip is as asked for.
    """
    if arguments.frames < 1:
        raise InputError(f"--frames {arguments.frames}: a sheet shows at least 1")
    root = Path(arguments.results) / arguments.dataset
    for shard, records in _chosen(root, arguments.clip, arguments.reason):
        drawn = _details(root, shard)
        with ExitStack() as files:
            opened = {
                stage: files.enter_context(store.open_shard(_there(root / stage / f"{shard}.h5"))) for stage in STAGES
            }
            for record in records:
                groups = {stage: file.get(record.clip_id) for stage, file in opened.items()}
                sheet = draw(Clip(record, drawn[record.clip_id], **groups), arguments.frames)
                path = Path(arguments.out) / f"{re.sub(r'[^-.A-Za-z0-9_]', '_', record.clip_id)}.jpg"
                with whole(path) as part:
                    cv2.imwrite(str(part), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), JPEG)
                log.info("%s", path)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is not there: run the stage `{path.parent.name}`, or correct --results and --dataset")
    return path


def _details(root: Path, shard: str) -> dict[str, list[ClipRecord]]:
    said = [read_records(_there(root / stage / f"{shard}.jsonl")) for stage in NUMBERED]
    return {records[0].clip_id: [*records] for records in zip(*said, strict=True)}


def _chosen(root: Path, clips: list[str], reason: str | None) -> Iterator[tuple[str, list[ClipRecord]]]:
    """Yield shards and the records that `quality` has of their chosen clips.

    Raises:
        InputError: there is no shard, or no clip as asked for.
    """
    paths = sorted((root / "quality").glob("*.jsonl"), key=lambda path: int(path.stem))
    if not paths:
        _there(root / "quality" / "0000.jsonl")
    wanted, left = set(clips), len(clips) or FIRST
    for path in paths:
        asked = (r for r in iterate_records(path) if (r.clip_id in wanted if clips else reason in (None, r.reason)))
        found = [*islice((record for record in asked if record.lost_at not in WITHOUT_FRAMES), left)]
        left -= len(found)
        wanted -= {record.clip_id for record in found}
        if found:
            yield path.stem, found
    if clips and wanted:
        raise InputError(
            f"{root} has no frames of {', '.join(sorted(wanted))}: not in its sheet, or lost before `detect`"
        )
    if left == FIRST and not clips:
        raise InputError(f"{root} has no clip with frames{f' that was dropped for {reason}' if reason else ''}")


@dataclass(frozen=True)
class Clip:
    """A clip: what `quality` and stages before say of it, and its group in the shard of every stage that has one."""

    record: ClipRecord
    before: Sequence[ClipRecord]
    trim: h5py.Group
    detect: h5py.Group | None
    crop: h5py.Group | None

    def caption(self) -> list[str]:
        """Return what is written above the pictures."""
        record = self.record
        fate = "kept" if record.kept else f"dropped at {record.lost_at}: {record.reason}, {record.detail}"
        numbers = [
            f"{said.stage}: " + "  ".join(f"{k} {v}" for k, v in said.numbers.items() if not k.endswith("_hash"))
            for said in (*self.before, record)
            if said.numbers
        ]
        return [f"{record.clip_id}  {record.dataset}  {record.split}  {fate}", *numbers]


def draw(clip: Clip, frames: int) -> np.ndarray:
    """Return a clip's sheet, uint8 [H, W, 3] RGB, with this many frames, evenly spread."""
    video = clip.trim["video"]
    first, count = 0, media.frame_count(store.reader(video))
    if clip.crop is not None:
        first, count = int(clip.crop.attrs["first_frame"]), len(clip.crop["offsets"]) - 1
    at = sorted({*np.linspace(first, first + count - 1, min(frames, count)).round().astype(int).tolist()})
    pictures = islice(media.decode(store.reader(video)), at[-1] + 1)
    columns = [_column(clip, number, picture) for number, picture in enumerate(pictures) if number in at]
    body = np.concatenate(columns, axis=1)
    return np.concatenate([_text(clip.caption(), body.shape[1]), body])


def _column(clip: Clip, number: int, picture: np.ndarray) -> np.ndarray:
    """Return a frame, marked, with its number above and the crop below."""
    parts = [_text([f"frame {number}"], CELL_PX), _source(clip, number, picture)]
    if clip.crop is not None:
        at = number - int(clip.crop.attrs["first_frame"])
        crop = cv2.imdecode(store.picture(clip.crop, at), cv2.IMREAD_COLOR)[:, :, ::-1]
        scale = CELL_PX / len(crop)
        small = _scaled(crop, scale)
        _mark_points(small, clip.crop["landmarks"][at], scale, 1)
        parts += [np.full((GAP_PX, CELL_PX, 3), PAPER, np.uint8), small]
    return cv2.copyMakeBorder(np.concatenate(parts), 0, 0, 0, GAP_PX, cv2.BORDER_CONSTANT, value=(PAPER,) * 3)


def _source(clip: Clip, number: int, picture: np.ndarray) -> np.ndarray:
    """Return a frame of the trimmed clip with all that is known of it."""
    scale = CELL_PX / picture.shape[1]
    small = _scaled(picture, scale)
    at = number - int(clip.detect.attrs["first_frame"]) if clip.detect is not None else -1
    if clip.detect is not None and 0 <= at < len(clip.detect["boxes"]):
        left, top, right, bottom = clip.detect["boxes"][at]
        _outline(small, np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * scale, BOX)
        _mark_points(small, clip.detect["landmarks"][at], scale, 0)
    if clip.crop is not None:
        to_crop = store.to_crop(clip.crop)
        low, high = -0.5, clip.crop.attrs["size_px"] - 0.5
        corners = np.array([[low, low], [high, low], [high, high], [low, high]]) - to_crop[:, 2]
        _outline(small, (corners @ np.linalg.inv(to_crop[:, :2]).T + 0.5) * scale, SQUARE)
    return small


def _scaled(picture: np.ndarray, scale: float) -> np.ndarray:
    size = CELL_PX, max(1, round(picture.shape[0] * scale))
    return np.ascontiguousarray(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    )


def _outline(picture: np.ndarray, corners_px: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Draw a quadrangle float64 [4, 2] of pixel edges."""
    cv2.polylines(picture, [np.round(corners_px - 0.5).astype(np.int32)], isClosed=True, color=colour)


def _mark_points(picture: np.ndarray, landmarks_px: np.ndarray, scale: float, radius_px: int) -> None:
    """Draw landmarks [68, 2] of the picture before it was scaled."""
    for x, y in np.round((landmarks_px + 0.5) * scale - 0.5).astype(int).tolist():
        cv2.circle(picture, (x, y), radius_px, POINTS, -1)


def _text(lines: list[str], width_px: int) -> np.ndarray:
    """Return lines, wrapped, as black letters uint8 [H, width, 3]; OpenCV's font is ASCII."""
    wrapped = [part for line in lines for part in textwrap.wrap(line, width_px // LETTER_PX - 1)]
    paper = np.full((LINE_PX * len(wrapped), width_px, 3), PAPER, np.uint8)
    for number, line in enumerate(wrapped):
        origin = GAP_PX, LINE_PX * (number + 1) - 5
        cv2.putText(paper, line, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return paper

"""Clips that the page plays, every method's video side by side: which, and the files they need.

Writes  videos/DATASET/METHOD/CLIP_ID.mp4, which every browser plays, each with a .jpg of its middle frame
        data/curves/DATASET/CLIP_ID.js: frames, rate, mouth box and curves of every video of a clip
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from tavce import media
from tavce.measure.metrics import METRICS
from tavce.measure.rows import ScoreRow, by_method
from tavce.records import ClipError, InputError
from tavce.report.clips import NOT_TRIED
from tavce.report.data import write_data
from tavce.report.sections import NO_BREAK
from tavce.web_video import WebVideo, copy_for_browsers

CURVES = ("similarity", "opening", "loudness")
CURVE_DIGITS = 3
BOX_DIGITS = 4
CAPTIONED = ("psnr", "lmd_mouth", "lse_c", "av_corr", "tavc")  # metrics below a video


@dataclass(frozen=True)
class Take:
    """One method's video of a clip: where it lies below `videos/`, or why there is none."""

    method: str
    label: str
    video: str | None
    caption: str

    @property
    def poster(self) -> str:
        """Where the picture of the video lies, below `videos/`."""
        return f"{self.video.removesuffix('.mp4')}.jpg"


@dataclass(frozen=True)
class ClipTakes:
    """A clip by every method."""

    clip_id: str
    speaker: str
    source: str
    takes: tuple[Take, ...]


@dataclass(frozen=True)
class Files:
    """Where videos and curves come from.

    videos_root: folder with DATASET/METHOD/CLIP_ID.mp4.
    frames: dataset and method → the .frames.parquet of its scores.
    """

    videos_root: Path
    frames: Mapping[tuple[str, str], Path] = field(default_factory=dict)


def side_by_side(rows: list[ScoreRow], labels: dict[str, str], max_clips: int) -> list[ClipTakes]:
    """Return at most `max_clips` clips with a take of every method, by its first seed, in the labels' order.

    Speakers take turns, in the order of the rows; scores play no part in the choice.

    Raises:
        InputError: as `rows.by_method`.
    """
    methods = {
        method: {row.clip_id: row for row in runs[method]}
        for method, runs in by_method(rows, labels).items()
        if runs[method]
    }
    turns: dict[str, int] = defaultdict(int)
    queue = []
    for place, row in enumerate({row.clip_id: row for row in rows if row.video and row.method in labels}.values()):
        queue.append((turns[row.speaker], place, row))
        turns[row.speaker] += 1
    chosen = [row for _, _, row in sorted(queue, key=lambda item: item[:2])[:max_clips]]
    return [
        ClipTakes(
            row.clip_id,
            row.speaker,
            row.source or "",
            tuple(_take(method, labels[method], scored.get(row.clip_id)) for method, scored in methods.items()),
        )
        for row in chosen
    ]


def _take(method: str, label: str, row: ScoreRow | None) -> Take:
    if row is None:
        return Take(method, label, None, NOT_TRIED)
    if row.video is None:
        return Take(method, label, None, next(iter(row.reasons.values()), "dropped"))
    numbers = [
        f"{metric.heading}{NO_BREAK}{row.metrics[metric.name]:.{metric.digits}f}"
        for metric in METRICS
        if metric.name in CAPTIONED and row.metrics.get(metric.name) is not None
    ]
    return Take(method, label, f"{row.dataset}/{row.method}/{row.clip_id}.mp4", " · ".join(numbers))


def write_players(folder: Path, chosen: Mapping[str, list[ClipTakes]], files: Files) -> None:
    """Write below `folder` the videos, pictures and curves of the chosen clips of every dataset.

    Raises:
        InputError: a video that was scored is not there or is no video, or a file has no curves of this version.
    """
    for dataset, clips in chosen.items():
        ids = [clip.clip_id for clip in clips]
        methods = {take.method for clip in clips for take in clip.takes}
        drawn = {
            method: _read_frames(files.frames[dataset, method], ids)
            for method in methods
            if (dataset, method) in files.frames
        }
        for clip in clips:
            takes = {
                take.method: _copy(files.videos_root / take.video, folder / "videos", take)
                for take in clip.takes
                if take.video
            }
            frames = {method: found[clip.clip_id] for method, found in drawn.items() if clip.clip_id in found}
            write_data(folder, f"curves/{dataset}/{clip.clip_id}", _facts(takes, frames))


def _copy(source: Path, videos: Path, take: Take) -> WebVideo:
    """Copy a take's video and write the picture of its middle frame beside it."""
    if not source.is_file():
        raise InputError(f"{source} was scored but is not there: rerun synthesise and score")
    target = videos / take.video
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        video = copy_for_browsers(source, target)
    except ClipError as error:
        raise InputError(f"a video that was scored cannot be shown: {error}; rerun synthesise and score") from error
    picture = next(itertools.islice(media.decode(target), video.frames // 2, None))
    cv2.imwrite(str(videos / take.poster), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return video


def _read_frames(path: Path, clip_ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return the rows of these clips in a file of curves, by clip."""
    names = ["clip_id", "rate_hz", "mouth", *CURVES]
    try:
        table = pq.read_table(path, columns=names, filters=[("clip_id", "in", clip_ids)])
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} has no curves of this version: rerun the stage score: {error}") from error
    if lacking := [name for name in names if name not in table.column_names]:
        raise InputError(f"{path} has no curves of this version: it lacks {', '.join(lacking)}; rerun the stage score")
    return {row["clip_id"]: row for row in table.to_pylist()}


def _facts(takes: dict[str, WebVideo], frames: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what a clip's player must know: the rate of its playhead, and of every video what is drawn below it."""
    rates_hz = [row["rate_hz"] for row in frames.values()] + [video.rate_hz for video in takes.values()]
    return {
        "rate_hz": rates_hz[0],
        "takes": {
            method: {"frames": video.frames, "rate_hz": video.rate_hz, "sound": video.sound}
            | _drawn(frames.get(method, {}))
            for method, video in takes.items()
        },
    }


def _drawn(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's mouth box and its curves: the similarity where there is one, else opening and loudness."""
    curves = {name: [_number(value) for value in row[name]] for name in CURVES if row.get(name)}
    curves = {name: curve for name, curve in curves.items() if any(value is not None for value in curve)}
    if "similarity" in curves:
        curves = {"similarity": curves["similarity"]}
    mouth = row.get("mouth")
    return {"mouth": mouth and [round(side, BOX_DIGITS) for side in mouth], "curves": curves}


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, CURVE_DIGITS)

"""Whether another method's video can be compared with a clip, and what is said of it.

A video of another rate or size is kept as it is, and read at the clip's (`tavce.measure.reading`).
"""

from dataclasses import dataclass
from pathlib import Path

from tavce.files import sha256
from tavce.media import probe
from tavce.records import ClipError, Reason
from tavce.retiming import frames_at


@dataclass(frozen=True)
class Wanted:
    """What the video of a clip should be."""

    frames: int
    rate_hz: int
    side_px: int
    max_frames_apart: int


@dataclass(frozen=True)
class Judged:
    """What a video is, for the clip's record, and in words where it is not as wanted."""

    numbers: dict[str, int | float | str | None]
    notes: list[str]


def judge(path: Path, wanted: Wanted) -> Judged:
    """Return what a video is; all of it is decoded.

    Raises:
        ClipError: as `retiming.frames_at`; `wrong_size` where it is not square; `too_short` or
            `too_long` where its length, at the clip's rate, is more than `max_frames_apart` from the clip's.
    """
    found = probe(path)
    sizes = [frame.shape[:2] for frame in frames_at(path, wanted.rate_hz)]
    height, width = sizes[0]
    if width != height:
        words = f"{path}: {width}×{height} px: wanted is {wanted.side_px}×{wanted.side_px}, or any square"
        raise ClipError(Reason.WRONG_SIZE, words)
    if abs(len(sizes) - wanted.frames) > wanted.max_frames_apart:
        raise ClipError(
            Reason.TOO_SHORT if len(sizes) < wanted.frames else Reason.TOO_LONG,
            f"{path}: {len(sizes)} frames at {wanted.rate_hz} a second, the clip has {wanted.frames}, and "
            f"score.max_frames_apart is {wanted.max_frames_apart}",
        )
    notes = {
        f"{found.rate_hz or 0:g} frames a second: read at {wanted.rate_hz}": found.rate_hz != wanted.rate_hz,
        f"{width} px: resized to {wanted.side_px}": width != wanted.side_px,
        f"{len(sizes)} frames, the clip has {wanted.frames}": len(sizes) != wanted.frames,
        "no sound: the clip's own is used": found.sound is None,
    }
    numbers = {
        "fps": found.rate_hz,
        "width": width,
        "height": height,
        "frames_found": len(sizes),
        "frames_wanted": wanted.frames,
        "container": found.container,
        "codec": found.codec,
        "has_sound": int(found.sound is not None),
        "sha256": sha256(path),
    }
    return Judged(numbers, [note for note, true in notes.items() if true])

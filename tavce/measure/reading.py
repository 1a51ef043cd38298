"""Videos as they are measured: frames at the clip's rate and size, and the sound that drove them.

Shapes: S the side of a picture.
"""

from pathlib import Path

import numpy as np

from tavce import media, store
from tavce.dataset import Entry, resized
from tavce.faces.lips import SAMPLES_PER_FRAME
from tavce.measure.clip import Sound
from tavce.records import ClipError, Reason
from tavce.retiming import frames_at


def read_frames(path: str | Path, rate_hz: int, side_px: int) -> list[np.ndarray]:
    """Return the frames of a square video, uint8 [S, S, 3] RGB, `rate_hz` a second and of one size.

    They are shrunk by pixel area, as the reference is, and enlarged bilinearly.

    Raises:
        ClipError: as `retiming.frames_at`.
    """
    return [resized(frame, side_px) for frame in frames_at(path, rate_hz)]


def read_sound(path: str | Path, entry: Entry, rate_hz: int) -> Sound:
    """Return a video's sound, SAMPLES_PER_FRAME samples for each of `rate_hz` frames a second.

    Where the video has none, it is the sound that drove it: the clip's own.
    """
    try:
        return Sound(media.read_wave(path, rate_hz * SAMPLES_PER_FRAME))
    except ClipError as error:
        if error.reason != Reason.NO_AUDIO:
            return Sound(None, str(error))
    frames = range(entry.first_frame, entry.first_frame + entry.frames)
    return Sound(store.clip_sound(entry.trim, entry.clip_id, frames, SAMPLES_PER_FRAME))

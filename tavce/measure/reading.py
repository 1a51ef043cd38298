"""Videos as they are measured: frames at the clip's rate and size, and the sound that drove them.

Shapes: S the side of a picture, N samples.
"""

from pathlib import Path

import numpy as np

from tavce import store
from tavce.dataset import Entry, resized
from tavce.retiming import frames_at


def read_frames(path: str | Path, rate_hz: int, side_px: int) -> list[np.ndarray]:
    """Return the frames of a square video, uint8 [S, S, 3] RGB, `rate_hz` a second and of one size.

    They are shrunk by pixel area, as the reference is, and enlarged bilinearly.

    Raises:
        ClipError: as `retiming.frames_at`.
    """
    return [resized(frame, side_px) for frame in frames_at(path, rate_hz)]


def read_driving_sound(entry: Entry, samples_per_frame: int) -> np.ndarray:
    """Return the clip's own sound, float32 [N] in [-1, 1]: it stands in where a video has none."""
    frames = range(entry.first_frame, entry.first_frame + entry.frames)
    return store.clip_sound(entry.trim, entry.clip_id, frames, samples_per_frame)

"""Read a video as it is measured: at one rate and one size, whatever it has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tavce import media
from tavce.faces.lips import SAMPLES_PER_FRAME
from tavce.measure.clip import Sound
from tavce.records import ClipError


def read_frames(path: str | Path, rate_hz: int, side_px: int) -> list[np.ndarray]:
    return [
        cv2.resize(f, (side_px, side_px), interpolation=cv2.INTER_AREA) if f.shape[0] != side_px else f
        for f in media.decode(path)
    ]


def read_sound(path: str | Path, entry: Mapping[str, Any] | None, rate_hz: int) -> Sound:
    try:
        return Sound(media.read_wave(path, rate_hz * SAMPLES_PER_FRAME))
    except ClipError as error:
        return Sound(None, str(error))

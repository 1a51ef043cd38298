"""Annotated face boxes as a sheet's row carries them: runs of equal boxes, in the units of the annotation.

Form    `unit|n*x y w h|n*x y w h …`: n frames with the box at (x, y), w wide and h high; n times the next, and so on.
Units   `px360`: pixels of the picture scaled to 360 lines (VoxCeleb1; HDTF at the lines it names); `fraction`: of the
        picture's width and height (VoxCeleb2)
"""

from collections.abc import Iterable
from itertools import groupby

import numpy as np

FRACTION = "fraction"


def pixels(lines: int) -> str:
    """Return the unit of boxes in pixels of a picture that is scaled to so many lines."""
    return f"px{lines}"


def pack(unit: str, boxes: Iterable[str]) -> str:
    """Return a clip's boxes in one string.

    Args:
        unit: `FRACTION`, or `pixels(lines)`.
        boxes: for every frame, x, y, width and height with one space between them, as the annotation writes them.
    """
    return pack_runs(unit, ((len([*run]), box) for box, run in groupby(boxes)))


def pack_runs(unit: str, runs: Iterable[tuple[int, str]]) -> str:
    """Return a clip's boxes in one string, where it is known for how many frames each stays."""
    return "|".join([unit, *(f"{frames}*{box}" for frames, box in runs)])


def unpack(text: str, width_px: int, height_px: int) -> np.ndarray:
    """Return float32 [T, 4] (left, top, right, bottom) in pixels of a picture of this size.

    Raises:
        ValueError: the text is not what `pack` writes.
    """
    unit, *runs = text.split("|")
    counts, boxes = zip(*(run.split("*") for run in runs), strict=True)
    x, y, width, height = np.array([box.split() for box in boxes], np.float64).T
    across, down = (width_px, height_px) if unit == FRACTION else (height_px / int(unit.removeprefix("px")),) * 2
    corners = np.stack([x * across, y * down, (x + width) * across, (y + height) * down], axis=1)
    return np.repeat(corners, [int(count) for count in counts], axis=0).astype(np.float32)

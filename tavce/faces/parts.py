"""Parts of a picture in which faces are looked for that are too small in the whole."""

from collections.abc import Iterator

import numpy as np


def squares(picture: np.ndarray, count: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield left, top and pixels of squares, `count` to the shorter side, each half over its neighbours."""
    height, width = picture.shape[:2]
    side = max(1, min(height, width) // count)
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top, picture[top : top + side, left : left + side]


def _starts(length: int, side: int) -> list[int]:
    count = max(1, -(-2 * length // side) - 1)
    return np.linspace(0, length - side, count).round().astype(int).tolist()

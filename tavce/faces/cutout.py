"""Cut a square out of pictures: never squashed, never aliased, and reflected where it lies outside.

A level square of whole pixels is a slice that is resized once. Any other is shrunk by pixel area to the crop's scale
first, and only then turned and moved: doing all at once would skip pixels.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

WHOLE_PX = 1e-6  # edges this near to pixels' are on them
CUBIC_PX = 2  # pixels that cubic interpolation looks at on each side


@dataclass(frozen=True)
class Cutout:
    """Cuts the same square out of pictures.

    `to_crop` is the affine map float64 [2, 3] from the picture's pixels to those of a crop of `size_px`, with pixel
    centres at whole numbers; it turns, scales and moves, nothing else. At most half of the square lies outside.
    """

    to_crop: np.ndarray
    size_px: int

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Return the crop uint8 [S, S, 3] of a picture uint8 [H, W, 3]."""
        if self._whole is None:
            return self._turned(picture)
        return self._resized(_region(picture, self._whole))

    @cached_property
    def _corners(self) -> np.ndarray:
        """The square's corners float64 [4, 2] in the picture, as pixel edges; the first is left and top."""
        low, high = -0.5, self.size_px - 0.5
        corners = np.array([[low, low], [high, low], [high, high], [low, high]])
        return (corners - self.to_crop[:, 2]) @ np.linalg.inv(self.to_crop[:, :2]).T + 0.5

    @cached_property
    def _whole(self) -> np.ndarray | None:
        """The square's left, top, right and bottom int64 [4], where it is level and made of whole pixels."""
        edges = np.round(self._corners[[0, 2]]).astype(int).ravel()
        level = np.allclose(self._corners, edges[[[0, 1], [2, 1], [2, 3], [0, 3]]], rtol=0, atol=WHOLE_PX)
        return edges if level else None

    def _resized(self, inside: np.ndarray) -> np.ndarray:
        way = cv2.INTER_AREA if len(inside) > self.size_px else cv2.INTER_CUBIC
        return cv2.resize(inside, (self.size_px, self.size_px), interpolation=way)

    def _turned(self, picture: np.ndarray) -> np.ndarray:
        shrink = min(1.0, float(np.hypot(*self.to_crop[0, :2])))
        corners, more = self._corners, np.ceil(CUBIC_PX / shrink)
        low, high = np.floor(corners.min(axis=0) - more).astype(int), np.ceil(corners.max(axis=0) + more).astype(int)
        region = _region(picture, np.concatenate([low, high]))
        small = np.maximum(1, np.round((high - low) * shrink)).astype(int)
        shrunk = cv2.resize(region, small, interpolation=cv2.INTER_AREA) if shrink < 1 else region
        step = (high - low) / small  # of a shrunk pixel in the picture, along both axes
        turn = self.to_crop[:, :2] * step
        origin = low + step / 2 - 0.5  # the first shrunk pixel's centre
        matrix = np.column_stack([turn, self.to_crop[:, :2] @ origin + self.to_crop[:, 2]])
        size = (self.size_px, self.size_px)
        return cv2.warpAffine(shrunk, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def _region(picture: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return what lies between left, top, right and bottom, beyond the picture its reflection."""
    left, top, right, bottom = edges
    height, width = picture.shape[:2]
    inside = picture[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    pads = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
    return cv2.copyMakeBorder(inside, *pads, cv2.BORDER_REFLECT) if any(pads) else inside

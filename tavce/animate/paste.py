"""Paste the frames of a face back into the picture that it was cut out of.

Every frame is brought to its place by the inverse of the crop's map and blended with the picture: fully in the middle,
and less and less towards the crop's border, where nothing of it is left. Beyond the crop the picture stays as it is.
Shapes: S side of a frame, H × W pixels of the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from tavce.animate.portrait import CroppedPortrait

FEATHER = 0.15  # of the crop's side, over which a frame fades out
BITS = 8  # of a weight: with a pixel's 8 they fit into 16
WHOLE = 1 << BITS  # weight of what is seen alone
WHOLE_PX = 1e-6  # a frame this near to the picture's pixels is on them
LONGEST_PX = 3840  # of the video's sides: larger frames are beyond what most players decode


class PasteBack:
    """Pastes frames into one picture. Its sides are even, as H.264 wants them: a last odd row or column is left out.

    A picture whose longer side is above `longest_px` is shrunk to it first. Maps and weights are made once, and only
    the part that the crop covers is computed a frame.
    """

    def __init__(self, cropped: CroppedPortrait, longest_px: int = LONGEST_PX):
        self._ground, to_frame = _ground(cropped.full, cropped.to_crop, longest_px)
        side = len(cropped.picture)
        low, high = _bounds(to_frame, side, self._ground.shape)
        self._inside = np.s_[low[1] : high[1], low[0] : high[0]]
        size = tuple((high - low).tolist())
        to_frame[:, 2] += to_frame[:, :2] @ low  # from here on of the part that the crop covers
        self._opaque = np.repeat(np.round(_mask(to_frame, side, size) * WHOLE).astype(np.uint16)[:, :, None], 3, axis=2)
        self._under = self._ground[self._inside] * (WHOLE - self._opaque) + np.uint16(WHOLE // 2)  # rounds the sum
        self._side = max(1, round(side / float(np.hypot(*to_frame[0, :2]))))
        self._place = _Place.of(_scaled(to_frame, self._side / side), size)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return the picture uint8 [H, W, 3] RGB with a frame uint8 [S, S, 3] in its place."""
        way = cv2.INTER_AREA if self._side < len(frame) else cv2.INTER_CUBIC
        sized = cv2.resize(frame, (self._side, self._side), interpolation=way)
        blend = np.multiply(self._place(sized), self._opaque, dtype=np.uint16)
        blend += self._under
        blend >>= BITS
        picture = self._ground.copy()
        picture[self._inside] = blend
        return picture


@dataclass(frozen=True)
class _Place:
    """Moves frames, already as large as they are in the picture, to where they lie in it."""

    inside: tuple[slice, slice] | None  # of the frame, where it is level and lies on pixels
    maps: tuple[np.ndarray, np.ndarray] | None  # where not

    @classmethod
    def of(cls, to_frame: np.ndarray, size: tuple[int, int]) -> "_Place":
        """Return the mover of a map float64 [2, 3] from pixels of a part of `size` (width, height) to the frame's."""
        left, top = np.round(to_frame[:, 2]).astype(int).tolist()
        if np.allclose(to_frame, [[1, 0, left], [0, 1, top]], rtol=0, atol=WHOLE_PX) and min(left, top) >= 0:
            return cls(np.s_[top : top + size[1], left : left + size[0]], None)
        places = _places(to_frame, size).astype(np.float32)
        return cls(None, cv2.convertMaps(places[0], places[1], cv2.CV_16SC2))

    def __call__(self, sized: np.ndarray) -> np.ndarray:
        if self.maps is None:
            return sized[self.inside]
        return cv2.remap(sized, *self.maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _scaled(to_frame: np.ndarray, scale: float) -> np.ndarray:
    """Return the map to a frame that was resized by `scale`."""
    scaled = to_frame * scale
    scaled[:, 2] += (scale - 1) / 2  # a pixel's centre lies half a pixel in
    return scaled


def _places(to_frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return x and y in the frame of every pixel, float64 [2, h, w]."""
    x, y = (np.arange(length, dtype=np.float64) for length in size)
    return to_frame[:, 0, None, None] * x + to_frame[:, 1, None, None] * y[:, None] + to_frame[:, 2, None, None]


def _ground(full: np.ndarray, to_crop: np.ndarray, longest_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture with even sides, none above `longest_px`, and the map from its pixels to the crop's."""
    height, width = full.shape[:2]
    scale = min(1.0, longest_px / max(height, width))
    if scale == 1:
        return np.ascontiguousarray(full[: height // 2 * 2, : width // 2 * 2]), to_crop.copy()
    size = np.maximum(2, np.array([width, height]) * scale // 2 * 2).astype(int)
    ratio = np.array([width, height]) / size
    turn = to_crop[:, :2] * ratio
    shift = to_crop[:, 2] + to_crop[:, :2] @ ((ratio - 1) / 2)
    return cv2.resize(full, size, interpolation=cv2.INTER_AREA), np.column_stack([turn, shift])


def _bounds(to_crop: np.ndarray, side: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return left, top and right, bottom of the part of the picture that the crop covers, int64 [2] each."""
    low, high = -0.5, side - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    corners = (corners - to_crop[:, 2]) @ np.linalg.inv(to_crop[:, :2]).T
    most = np.array(shape[1::-1])
    first = np.clip(np.ceil(corners.min(axis=0)), 0, most - 1).astype(int)
    return first, np.clip(np.floor(corners.max(axis=0)) + 1, first + 1, most).astype(int)


def _mask(to_frame: np.ndarray, side: int, size: tuple[int, int]) -> np.ndarray:
    """Return how much of a frame is seen at each pixel, float64 [h, w]: 0 from the crop's border on, 1 in its middle.

    It rises as half a wave of the cosine, with no edge at either end.
    """
    places = _places(to_frame, size)
    depth = np.minimum(places, side - 1 - places).min(axis=0) + 0.5
    rise = np.clip(depth / (FEATHER * side), 0, 1)
    return (1 - np.cos(np.pi * rise)) / 2

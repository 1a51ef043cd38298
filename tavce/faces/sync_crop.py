"""Where SyncNet looks: the framing of its own face tracker, from landmarks or from boxes of ours.

Framing  around a face box of centre (x, y) and half side s = max(width, height) / 2, smoothed over 13 frames: a square
         from y − s to y + 1.8 s, and 1.4 s to either side of x, 224 px wide; beyond the picture it is grey (110)
Source   `crop_video` of run_pipeline.py in joonson/syncnet_python, crop_scale 0.4

Shapes: T frames; pixel coordinates are x right, y down, a pixel's centre at whole numbers.
"""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from scipy.ndimage import median_filter

from tavce.faces.points import POINTS

SIDE_PX = 224
WIDENING = 0.4  # of the half side: on the left, on the right, and twice below
SMOOTHED_FRAMES = 13
GREY = 110
FOREHEAD = 1 / 3  # of the height from brows to chin


def face_boxes(landmarks_px: np.ndarray) -> np.ndarray:
    """Return the boxes float64 [T, 4] that SyncNet's detector, S3FD, is taken to draw around landmarks [T, 68, 2].

    S3FD boxes hold forehead, chin and cheeks, as WIDER FACE draws them; landmarks end at the brows. Assumed, not
    measured: from ear to ear as wide as the landmarks, and higher by a third of their height, which makes an upright
    face 1.26 times as high as wide.
    """
    low, high = landmarks_px.min(axis=-2), landmarks_px.max(axis=-2)
    boxes = np.concatenate([low, high], axis=-1).astype(np.float64)
    boxes[:, 1] -= FOREHEAD * (boxes[:, 3] - boxes[:, 1])
    return boxes


def to_sync_crop(boxes_px: np.ndarray) -> np.ndarray:
    """Return for every frame the affine map float64 [T, 2, 3] from picture to crop pixels.

    Unlike the tracker, which takes zeros for what lies before the first and after the last frame, the smoothing repeats
    the frames at the ends, and corners are not cut down to whole pixels.

    Args:
        boxes_px: [T, 4] left, top, right, bottom, as S3FD draws them (`face_boxes`).
    """
    low, high = boxes_px[:, :2].astype(np.float64), boxes_px[:, 2:].astype(np.float64)
    half = (high - low).max(axis=1, keepdims=True) / 2
    x, y, half = median_filter(np.hstack([(low + high) / 2, half]), size=(SMOOTHED_FRAMES, 1), mode="nearest").T
    left, top, scale = x - half * (1 + WIDENING), y - half, SIDE_PX / (2 * half * (1 + WIDENING))
    maps = np.zeros((len(boxes_px), 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = scale
    # Edges of pixels, half a pixel from their centres, are what a box's sides are mapped from and to.
    maps[:, 0, 2], maps[:, 1, 2] = ((0.5 - start) * scale - 0.5 for start in (left, top))
    return maps


def sync_crops(frames: Iterable[np.ndarray], landmarks_px: np.ndarray) -> Iterator[np.ndarray]:
    """Yield uint8 [224, 224, 3] of every uint8 [H, W, 3] frame, framed by its landmarks [T, 68, 2].

    The frames may be those of the source or crops with their own landmarks; what a crop has cut off is grey, so the
    source is better.

    Raises:
        ValueError: landmarks of another shape, or of fewer or more frames.
    """
    if landmarks_px.ndim != 3 or landmarks_px.shape[1:] != (POINTS, 2):
        raise ValueError(f"landmarks of shape {landmarks_px.shape}: give [T, {POINTS}, 2]")
    maps = to_sync_crop(face_boxes(landmarks_px))
    for frame, to_crop in zip(frames, maps, strict=True):
        yield cv2.warpAffine(frame, to_crop, (SIDE_PX, SIDE_PX), borderValue=(GREY,) * 3)

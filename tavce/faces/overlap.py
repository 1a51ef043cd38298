"""How much boxes share. Boxes are [..., 4] left, top, right, bottom in any unit; shapes broadcast."""

import numpy as np


def iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the intersection over union [...] of boxes, 0..1; 0 where neither has an area."""
    common = _common(one, other)
    union = _area(one) + _area(other) - common
    return common / np.where(union > 0, union, 1)


def share_inside(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how much [...] of the first boxes lies inside the second, 0..1."""
    area = _area(one)
    return _common(one, other) / np.where(area > 0, area, 1)


def _area(box: np.ndarray) -> np.ndarray:
    return np.clip(box[..., 2:] - box[..., :2], 0, None).prod(axis=-1)


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    shared = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    return np.clip(shared, 0, None).prod(axis=-1)

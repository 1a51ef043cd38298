"""Frames made worse by a known amount: what metrics of quality must notice."""

import cv2
import numpy as np

STRENGTHS = {  # from the weakest to the strongest
    # standard deviation of a Gaussian, px; from 2 on a face of 64 px is none, and distances of features rise no more
    "blur": (0.5, 1.0, 1.5),
    "jpeg": (60, 25, 8),  # quality, of 100
    "noise": (5, 12, 25),  # standard deviation, grey levels
}


def spoil(frame: np.ndarray, how: str, strength: float) -> np.ndarray:
    """Return a frame uint8 [H, W, 3] RGB spoilt by `blur`, `jpeg` or `noise`; the noise is the same for every frame.

    Args:
        frame: uint8 [H, W, 3] RGB.
        how: a key of `STRENGTHS`.
        strength: in its unit.
    """
    if how == "blur":
        return cv2.GaussianBlur(frame, (0, 0), strength)
    if how == "jpeg":
        compressed = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(strength)])[1]
        return cv2.imdecode(compressed, cv2.IMREAD_COLOR_RGB)
    noise = np.random.default_rng(0).normal(0, strength, frame.shape)
    return np.clip(np.round(frame + noise), 0, 255).astype(np.uint8)

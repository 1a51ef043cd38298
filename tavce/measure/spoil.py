"""Frames made worse by a known amount: what metrics of quality must notice."""

import cv2
import numpy as np

STRENGTHS = {  # from the weakest to the strongest
    "blur": (0.7, 1.5, 3.0),  # standard deviation of a Gaussian, px of a frame of 256 px
    "jpeg": (60, 25, 8),  # quality, of 100
    "noise": (5, 12, 25),  # standard deviation, grey levels
}
REFERENCE_PX = 256


def spoil(frame: np.ndarray, how: str, strength: float) -> np.ndarray:
    """Return a frame uint8 [H, W, 3] RGB spoilt by `blur`, `jpeg` or `noise`; the noise is the same for every frame.

    Args:
        frame: uint8 [H, W, 3] RGB.
        how: a key of `STRENGTHS`.
        strength: in its unit.
    """
    if how == "blur":
        return cv2.GaussianBlur(frame, (0, 0), strength * min(frame.shape[:2]) / REFERENCE_PX)
    if how == "jpeg":
        compressed = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(strength)])[1]
        return cv2.imdecode(compressed, cv2.IMREAD_COLOR_RGB)
    noise = np.random.default_rng(0).normal(0, strength, frame.shape)
    return np.clip(np.round(frame + noise), 0, 255).astype(np.uint8)

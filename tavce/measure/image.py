"""How much a generated frame looks like the real one.

Frames are uint8 [H, W, 3] RGB. A clip's score is the mean over its frames, a table's the mean over its clips.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

import cv2
import numpy as np

from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.metrics import MeasurementError, Measurements

PEAK = 255.0
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


def psnr(reference: np.ndarray, picture: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB: 0 to ∞ (identical), higher is better.

    The error is averaged over pixels and the three channels; the peak is 255.

    Raises:
        ValueError: the two are not uint8 [H, W, 3] of one size.
    """
    _check(reference, picture)
    squares = cv2.norm(reference, picture, cv2.NORM_L2SQR)
    return float("inf") if squares == 0 else float(10 * np.log10(PEAK**2 * reference.size / squares))


def ssim(reference: np.ndarray, picture: np.ndarray) -> float:
    """Return the structural similarity: −1 to 1 (identical), higher is better.

    Means, variances and covariance under a Gaussian of σ 1.5 in an 11 × 11 window, peak 255, the map averaged over
    pixels and channels without the 5 px border. Same as scikit-image's `structural_similarity` with
    `gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2`.

    Raises:
        ValueError: the two are not uint8 [H, W, 3] of one size, or smaller than the window.
    """
    _check(reference, picture)
    if min(reference.shape[:2]) < WINDOW:
        raise ValueError(f"a frame of {reference.shape[:2]} px is smaller than the {WINDOW} px window of SSIM")
    first, second = reference.astype(np.float32), picture.astype(np.float32)
    first_mean, second_mean = _blur(first), _blur(second)
    product = first_mean * second_mean
    powers = first_mean * first_mean + second_mean * second_mean
    covariance = _blur(first * second) - product
    variances = _blur(first * first + second * second) - powers
    similarity = (2 * product + C1) * (2 * covariance + C2) / ((powers + C1) * (variances + C2))
    border = WINDOW // 2
    return float(similarity[border:-border, border:-border].mean(dtype=np.float64))


def clip_mean(
    measure: Callable[[np.ndarray, np.ndarray], float], reference: Sequence[np.ndarray], pictures: Sequence[np.ndarray]
) -> float:
    """Return the mean of a frame measure over a clip.

    Raises:
        ValueError: the clips differ in length.
        MeasurementError: there is no frame, or a frame has no finite value.
    """
    values = np.array([measure(*pair) for pair in zip(reference, pictures, strict=True)])
    if not len(values):
        raise MeasurementError("no frame to compare")
    if not np.isfinite(values).all():
        raise MeasurementError(f"{np.count_nonzero(~np.isfinite(values))} frames are identical to the reference")
    return float(values.mean())


def _blur(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture, (WINDOW, WINDOW), SIGMA)


def _check(reference: np.ndarray, picture: np.ndarray) -> None:
    if reference.shape != picture.shape or reference.ndim != 3 or reference.shape[2] != 3:
        raise ValueError(f"frames of shape {reference.shape} and {picture.shape}: both must be [H, W, 3] of one size")
    if reference.dtype != np.uint8 or picture.dtype != np.uint8:
        raise ValueError(f"frames of type {reference.dtype} and {picture.dtype}: both must be uint8")


class ImageGroup:
    """Metrics of pixels."""

    name: ClassVar[str] = "image"
    metrics: ClassVar[tuple[str, ...]] = ("psnr", "ssim", "frames")
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Take the settings of a job."""
        self._settings = setup.settings

    def depends(self) -> object:
        """Return the setting that is read."""
        return self._settings.max_frames_apart

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare every frame with the real one."""
        measured.take("psnr", lambda: self._compare(clip, psnr))
        measured.take("ssim", lambda: self._compare(clip, ssim))
        measured.take("frames", lambda: clip.compared)

    def _compare(self, clip: Clip, measure: Callable[[np.ndarray, np.ndarray], float]) -> float:
        count = clip.compared
        return clip_mean(measure, clip.reference[:count], clip.frames[:count])

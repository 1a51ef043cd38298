"""How much a generated frame looks like the real one.

Frames are uint8 [H, W, 3] RGB. A clip's score is the mean over its frames, a table's the mean over its clips.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np

from tavce.measure.clip import Clip
from tavce.measure.cpbd import cpbd
from tavce.measure.groups import Setup
from tavce.measure.measurements import MeasurementError, Measurements

PEAK = 255.0
WINDOW, SIGMA = 11, 1.5
CENTRE = 128  # taken off before squares: variances of small numbers are more exact
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
    total, apart, total_mean, apart_mean, total_square, apart_square, spare = _buffers(reference.shape)
    cv2.addWeighted(reference, 1, picture, 1, -2 * CENTRE, dst=total, dtype=cv2.CV_32F)
    cv2.subtract(reference, picture, dst=apart, dtype=cv2.CV_32F)
    for signal, mean, square in ((total, total_mean, total_square), (apart, apart_mean, apart_square)):
        _blur(signal, mean)
        signal *= signal
        _blur(signal, square)
        square -= np.multiply(mean, mean, out=spare)  # the variance
    total_mean += 2 * CENTRE
    total_mean *= total_mean
    apart_mean *= apart_mean
    # with s = x + y and d = x − y: 4 μx μy = μs² − μd², 2 (μx² + μy²) = μs² + μd², and likewise the (co)variances
    similarity = np.subtract(total_mean, apart_mean, out=total)
    similarity += 2 * C1
    similarity *= np.add(np.subtract(total_square, apart_square, out=spare), 2 * C2, out=spare)
    total_mean += apart_mean
    total_mean += 2 * C1
    total_square += apart_square
    total_square += 2 * C2
    similarity /= np.multiply(total_mean, total_square, out=spare)
    border = WINDOW // 2
    return sum(cv2.mean(similarity[border:-border, border:-border])[:3]) / 3


@lru_cache(maxsize=1)
def _buffers(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return memory for SSIM, used again for every frame: to get it anew takes longer than to compute in it."""
    return [np.empty(shape, np.float32) for _ in range(7)]


def _blur(picture: np.ndarray, blurred: np.ndarray) -> None:
    cv2.GaussianBlur(picture, (WINDOW, WINDOW), SIGMA, dst=blurred)


def clip_mean(
    measure: Callable[[np.ndarray, np.ndarray], float], reference: Sequence[np.ndarray], pictures: Sequence[np.ndarray]
) -> float:
    """Return the mean of a frame measure over a clip.

    A frame identical to its reference has an infinite PSNR. No number stands for it and it is not left out: one such
    frame leaves the clip without a mean, and the reason counts them.

    Raises:
        ValueError: the clips differ in length.
        MeasurementError: there is no frame, or a frame has no finite value.
    """
    values = np.array([measure(*pair) for pair in zip(reference, pictures, strict=True)])
    if not len(values):
        raise MeasurementError("no frame to compare")
    if not np.isfinite(values).all():
        identical = np.count_nonzero(~np.isfinite(values))
        raise MeasurementError(f"{identical} of {len(values)} frames are identical to the reference")
    return float(values.mean())


def _check(reference: np.ndarray, picture: np.ndarray) -> None:
    if reference.shape != picture.shape or reference.ndim != 3 or reference.shape[2] != 3:
        raise ValueError(f"frames of shape {reference.shape} and {picture.shape}: both must be [H, W, 3] of one size")
    if reference.dtype != np.uint8 or picture.dtype != np.uint8:
        raise ValueError(f"frames of type {reference.dtype} and {picture.dtype}: both must be uint8")


class ImageGroup:
    """Metrics of pixels; PSNR and SSIM of the frames that both videos have, CPBD of all generated ones."""

    name: ClassVar[str] = "image"
    metrics: ClassVar[tuple[str, ...]] = ("psnr", "ssim", "cpbd", "frames")
    version: ClassVar[int] = 2

    def __init__(self, setup: Setup):
        """Take the settings of a job."""
        self._settings = setup.settings

    def depends(self) -> object:
        """Return the setting that is read."""
        return self._settings.max_frames_apart

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare every frame with the real one, and look at its edges."""
        measured.take("psnr", lambda: self._compare(clip, psnr))
        measured.take("ssim", lambda: self._compare(clip, ssim))
        measured.take("cpbd", lambda: float(np.mean([cpbd(frame) for frame in clip.frames])))
        measured.take("frames", lambda: clip.compared)

    def _compare(self, clip: Clip, measure: Callable[[np.ndarray, np.ndarray], float]) -> float:
        count = clip.compared
        return clip_mean(measure, clip.reference[:count], clip.frames[:count])

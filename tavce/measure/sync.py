"""Does the mouth move with the sound? Two proxies that need no trained network, as metrics of a clip.

Shapes: T frames. `opening` is the mouth opening of each frame, NaN where no face was found.
These are not SyncNet's LSE-C, LSE-D or offset, and do not share their names.
"""

from typing import ClassVar

import numpy as np

from tavce.faces.lips import FEWEST_FRAMES, best_lag, correlation
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.measurements import MeasurementError, Measurements


def av_corr(opening: np.ndarray, loudness: np.ndarray) -> float:
    """Return `lips.correlation` of mouth opening [T] and loudness [T]: −1 to 1, higher is better.

    Raises:
        ValueError: the two differ in length.
        MeasurementError: fewer than three frames have both, or one of the two never changes.
    """
    result = correlation(opening, loudness)
    if np.isnan(result):
        raise MeasurementError("opening or loudness does not change, or fewer than 3 frames have both")
    return result


def av_offset(opening: np.ndarray, loudness: np.ndarray, max_lag: int) -> int:
    """Return the lag of `lips.best_lag`, in frames of at most `max_lag` either way; 0 is in sync.

    Raises:
        ValueError: the two differ in length.
        MeasurementError: the clip is too short for the lags, or no lag has a correlation.
    """
    lag, result = best_lag(opening, loudness, max_lag)
    if len(opening) - max_lag < FEWEST_FRAMES:
        raise MeasurementError(f"{len(opening)} frames are too few for lags of up to {max_lag}")
    if np.isnan(result):
        raise MeasurementError("opening or loudness does not change at any lag")
    return lag


class LipsGroup:
    """What needs landmarks and loudness only."""

    name: ClassVar[str] = "lips"
    metrics: ClassVar[tuple[str, ...]] = ("av_corr", "av_corr_shuffled", "av_offset")
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Take the settings of a job."""
        self._settings = setup.settings

    def depends(self) -> object:
        """Return the settings that are read."""
        return [self._settings.min_frames, self._settings.max_lag_frames]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare the mouth's opening with the sound's level."""
        measured.take("av_corr", lambda: av_corr(*clip.signals(clip.sound)))
        measured.take("av_corr_shuffled", lambda: av_corr(*clip.signals(clip.other)))
        measured.take("av_offset", lambda: av_offset(*clip.signals(clip.sound), self._settings.max_lag_frames))
        measured.curves["opening"] = clip.opening.astype(np.float32)
        if clip.sound.wave is not None:
            measured.curves["loudness"] = clip.sound.loudness.astype(np.float32)

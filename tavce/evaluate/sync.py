"""Does the mouth move with the sound? Two proxies that need no trained network.

Shapes: T frames, N samples. `opening` is the mouth opening of each frame, NaN where no face was found.
These are not SyncNet's LSE-C, LSE-D or offset, and do not share their names.
"""

import numpy as np

from tavce.evaluate.metrics import MeasurementError

SAMPLES_PER_FRAME = 640  # 16 kHz at 25 frames a second
FLOOR_DB = -60.0  # quieter frames count as silence: their level is the encoder's noise
FEWEST_FRAMES = 3  # that define a correlation


def loudness_db(wave: np.ndarray, frames: int) -> np.ndarray:
    """Return the level float64 [T] of each video frame's own samples: RMS re full scale, in dB, −60 to 0.

    Frame k owns the samples k·n to (k+1)·n − 1, n = SAMPLES_PER_FRAME. A frame with no whole window is NaN.

    Args:
        wave: float32 [N] in [-1, 1], mono, SAMPLES_PER_FRAME samples a video frame.
        frames: T.

    Raises:
        ValueError: the wave has channels.
    """
    if wave.ndim != 1:
        raise ValueError(f"a wave of shape {wave.shape}: give mono [N]")
    whole = min(frames, len(wave) // SAMPLES_PER_FRAME)
    windows = wave[: whole * SAMPLES_PER_FRAME].astype(np.float64).reshape(whole, SAMPLES_PER_FRAME)
    power = np.square(windows).mean(axis=1)
    level_db = np.full(frames, np.nan)
    level_db[:whole] = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
    return level_db


def av_corr(opening: np.ndarray, loudness: np.ndarray) -> float:
    """Return Pearson's r of mouth opening [T] and loudness [T] at lag 0: −1 to 1, higher is better.

    Frames that are NaN in either are left out.

    Raises:
        ValueError: the two differ in length.
        MeasurementError: fewer than three frames have both, or one of the two never changes.
    """
    _check(opening, loudness)
    result = _pearson(opening, loudness)
    if np.isnan(result):
        raise MeasurementError("opening or loudness does not change, or fewer than 3 frames have both")
    return result


def av_offset(opening: np.ndarray, loudness: np.ndarray, max_lag: int) -> int:
    """Return the lag, in frames, at which mouth opening and loudness correlate best; 0 is in sync.

    The sign is SyncNet's, video index − audio index: above 0 the audio is early. Of equally good lags the one nearest
    to 0 counts.

    Args:
        opening: [T].
        loudness: [T] in dB.
        max_lag: largest lag tried, in frames.

    Raises:
        ValueError: the two differ in length.
        MeasurementError: the clip is too short for the lags, or no lag has a correlation.
    """
    _check(opening, loudness)
    frames = len(opening)
    if frames - max_lag < FEWEST_FRAMES:
        raise MeasurementError(f"{frames} frames are too few for lags of up to {max_lag}")
    lags = sorted(range(-max_lag, max_lag + 1), key=abs)
    values = np.array([_pearson(*_shifted(opening, loudness, lag)) for lag in lags])
    if np.isnan(values).all():
        raise MeasurementError("opening or loudness does not change at any lag")
    return lags[int(np.nanargmax(values))]


def _shifted(opening: np.ndarray, loudness: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs opening[t + lag], loudness[t] for all t where both exist."""
    frames = len(opening)
    return opening[max(lag, 0) : frames + min(lag, 0)], loudness[max(-lag, 0) : frames - max(lag, 0)]


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Return r over the frames that are finite in both; NaN where it is not defined."""
    both = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(both) < FEWEST_FRAMES or np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0:
        return float("nan")
    return float(np.corrcoef(first[both], second[both])[0, 1])


def _check(opening: np.ndarray, loudness: np.ndarray) -> None:
    if opening.ndim != 1 or opening.shape != loudness.shape:
        raise ValueError(f"opening {opening.shape} and loudness {loudness.shape}: both must be [T]")

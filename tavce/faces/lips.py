"""Do the lips move with the sound? Mouth opening against loudness, which needs no trained network.

Shapes: T frames, N samples. `opening` is the mouth opening of each frame (`points.mouth_opening`), NaN where no face
was found. What cannot be measured is NaN, never a default.
"""

import numpy as np

SAMPLES_PER_FRAME = 640  # 16 kHz at 25 frames a second
FLOOR_DB = -60.0  # quieter frames count as silence: their level is the encoder's noise
FEWEST_FRAMES = 3  # that define a correlation
BLOCK_FRAMES = 1024  # measured at once, so that an hour of sound takes no more memory than a minute


def loudness_db(wave: np.ndarray, frames: int) -> np.ndarray:
    """Return the level float64 [T] of each video frame's own samples: RMS re full scale, in dB, −60 to 0.

    Frame k owns the samples k·n to (k+1)·n − 1, n = SAMPLES_PER_FRAME. A frame with no whole window is NaN.

    Args:
        wave: float32 [N] in [-1, 1] or int16 [N], mono, SAMPLES_PER_FRAME samples a video frame.
        frames: T.

    Raises:
        ValueError: the wave has channels.
    """
    if wave.ndim != 1:
        raise ValueError(f"a wave of shape {wave.shape}: give mono [N]")
    whole = min(frames, len(wave) // SAMPLES_PER_FRAME)
    scale = np.iinfo(wave.dtype).max + 1 if np.issubdtype(wave.dtype, np.integer) else 1
    level_db = np.full(frames, np.nan)
    for start in range(0, whole, BLOCK_FRAMES):
        end = min(start + BLOCK_FRAMES, whole)
        windows = wave[start * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME].astype(np.float64) / scale
        power = np.square(windows.reshape(-1, SAMPLES_PER_FRAME)).mean(axis=1)
        level_db[start:end] = 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))
    return level_db


def correlation(opening: np.ndarray, loudness: np.ndarray) -> float:
    """Return Pearson's r of mouth opening [T] and loudness [T] at lag 0: −1 to 1, higher is better.

    Frames that are not finite in either are left out. NaN where fewer than three have both, or one of the two never
    changes.

    Raises:
        ValueError: the two differ in length.
    """
    if opening.ndim != 1 or opening.shape != loudness.shape:
        raise ValueError(f"opening {opening.shape} and loudness {loudness.shape}: both must be [T]")
    both = np.isfinite(opening) & np.isfinite(loudness)
    first, second = opening[both], loudness[both]
    if len(first) < FEWEST_FRAMES or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def best_lag(opening: np.ndarray, loudness: np.ndarray, max_lag: int) -> tuple[int, float]:
    """Return the lag, in frames, at which mouth opening and loudness correlate best, and Pearson's r there.

    The sign is SyncNet's, video index − audio index: above 0 the audio is early. Of equally good lags the one nearest
    to 0 counts. Where no lag has a correlation, or fewer than three frames are left at the largest, it is 0 and NaN.

    Args:
        opening: [T].
        loudness: [T] in dB.
        max_lag: largest lag tried, in frames.

    Raises:
        ValueError: the two differ in length.
    """
    if opening.ndim != 1 or opening.shape != loudness.shape:
        raise ValueError(f"opening {opening.shape} and loudness {loudness.shape}: both must be [T]")
    if len(opening) - max_lag < FEWEST_FRAMES:
        return 0, float("nan")
    lags = sorted(range(-max_lag, max_lag + 1), key=abs)
    values = np.array([correlation(*_shifted(opening, loudness, lag)) for lag in lags])
    if np.isnan(values).all():
        return 0, float("nan")
    best = int(np.nanargmax(values))
    return lags[best], float(values[best])


def _shifted(opening: np.ndarray, loudness: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs opening[t + lag], loudness[t] for all t where both exist."""
    frames = len(opening)
    return opening[max(lag, 0) : frames + min(lag, 0)], loudness[max(-lag, 0) : frames - max(lag, 0)]

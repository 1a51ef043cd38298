"""Mel-frequency cepstra as SyncNet heard them in training: those of python_speech_features with its defaults.

That package (MIT) is a source archive of 2017 without a wheel, so what it computes is computed here; a test compares.
Shapes: N samples at 16 kHz, M = 1 + ceil((N − 400) / 160) steps of 10 ms.
"""

from functools import cache

import numpy as np
from scipy.fft import dct

SAMPLE_RATE_HZ = 16_000
WINDOW, STEP, FFT = 400, 160, 512  # samples: 25 ms, 10 ms
FILTERS, CEPSTRA, LIFTER = 26, 13, 22
PREEMPHASIS = 0.97
LEAST = np.finfo(np.float64).eps  # stands for no energy at all, before the logarithm
BLOCK_STEPS = 4096  # computed at once, so that a long sound needs no more memory


def mfcc(samples: np.ndarray) -> np.ndarray:
    """Return the cepstra float32 [M, 13] of a sound; the first is the logarithm of a step's energy.

    Args:
        samples: [N] in the range of 16-bit integers, mono, 16 kHz; the last window is filled up with zeros.

    Raises:
        ValueError: the samples have channels, or there is none.
    """
    if samples.ndim != 1 or len(samples) == 0:
        raise ValueError(f"samples of shape {samples.shape} have no cepstra: give mono [N]")
    steps = 1 + max(0, -((WINDOW - len(samples)) // STEP))
    samples = samples.astype(np.float64)
    emphasised = np.zeros((steps - 1) * STEP + WINDOW)
    emphasised[: len(samples)] = samples
    emphasised[1 : len(samples)] -= PREEMPHASIS * samples[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::STEP]
    blocks = [_cepstra(windows[start : start + BLOCK_STEPS]) for start in range(0, steps, BLOCK_STEPS)]
    return np.concatenate(blocks)


def _cepstra(windows: np.ndarray) -> np.ndarray:
    """Return float32 [M, 13] of windows [M, 400], which are not tapered."""
    power = np.square(np.abs(np.fft.rfft(windows, FFT))) / FFT
    energy, bands = power.sum(axis=1), power @ _filters().T
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / LIFTER)
    cepstra = dct(_log(bands), norm="ortho")[:, :CEPSTRA] * lifter
    cepstra[:, 0] = _log(energy)
    return cepstra.astype(np.float32)


def _log(energy: np.ndarray) -> np.ndarray:
    return np.log(np.where(energy == 0, LEAST, energy))


@cache
def _filters() -> np.ndarray:
    """Return triangles [26, 257] over the bins of the transform, equally wide in mels, from 0 to 8000 Hz."""
    mels = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700), FILTERS + 2)
    corners = np.floor((FFT + 1) * 700 * (10 ** (mels / 2595) - 1) / SAMPLE_RATE_HZ)[:, None]
    low, top, high = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(FFT // 2 + 1)
    rising, falling = (bins - low) / (top - low), (high - bins) / (high - top)
    return np.where(bins < top, rising, falling) * ((bins >= low) & (bins < high))

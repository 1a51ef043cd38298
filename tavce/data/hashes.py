"""Perceptual hashes of pictures and sounds: 64 bits that stay when a clip is encoded anew, scaled or made louder.

Source  the DCT hash of C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010), on a
        picture and, likewise, on a coarse spectrogram
Two hashes are compared by the number of bits in which they differ; unrelated ones differ in about 32.
"""

import cv2
import numpy as np
from scipy.fft import dctn

BITS = 64
PICTURE_SIDE = 32  # px that a picture is reduced to
LOW_HZ, HIGH_HZ = 200, 3500  # which every codec and bit rate keeps
BANDS, MOMENTS = 16, 32  # of the coarse spectrogram; the moments divide the sound evenly, however long it is
WINDOW, HOP = 512, 256  # samples
RANGE_DB = 20  # below the loudest cell: where noise is added, so that an encoder's own changes little


def picture_hash(grey: np.ndarray) -> int:
    """Return the hash of a picture uint8 [H, W]."""
    small = cv2.resize(grey, (PICTURE_SIDE, PICTURE_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return _bits(dctn(small, norm="ortho")[1:9, 1:9])


def sound_hash(wave: np.ndarray, sample_rate_hz: int) -> int | None:
    """Return the hash of a wave float32 [N]: how its spectrum changes with time, whatever its level.

    None where nothing is heard, or the wave is too short for `MOMENTS`.
    """
    if len(wave) < WINDOW + HOP * MOMENTS:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)))
    edges_hz = np.geomspace(LOW_HZ, HIGH_HZ, BANDS + 1)
    bands = np.add.reduceat(power, np.round(edges_hz * WINDOW / sample_rate_hz).astype(int), axis=1)[:, :BANDS]
    cells = np.add.reduceat(bands, np.linspace(0, len(bands), MOMENTS, endpoint=False).astype(int), axis=0)
    if cells.max() == 0:
        return None
    level = np.log(cells + cells.max() * 10 ** (-RANGE_DB / 10))
    return _bits(dctn(level, norm="ortho")[1:9, 0:8])


def _bits(coefficients: np.ndarray) -> int:
    """Return the signs of 64 coefficients about their median, as one number."""
    values = coefficients.ravel()
    return int.from_bytes(np.packbits(values > np.median(values)).tobytes(), "big")

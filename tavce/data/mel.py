"""Log-mel spectrograms of a shard's clips.

Reads   `wave` of the trimmed clips, of the frames that the crop has (in the records of `quality`)
Writes  `mel` float32 [M, 80], M = 1 + N // hop, and one record a clip
Source  Wav2Lip's audio parameters (paper.md, stage 1); Slaney's mel scale and area norm as in librosa
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import numpy as np

from tavce import store
from tavce.config import paper
from tavce.config.data import Mel
from tavce.data.clips import Result, Work, open_job, run_shard, shard_arguments
from tavce.files import input_file
from tavce.records import ClipRecord, Row

LINEAR_TO_HZ = 1000.0  # Slaney: linear below, logarithmic above
HZ_PER_MEL = 200 / 3
LOG_STEP = np.log(6.4) / 27
BLOCK_STEPS = 4096  # transformed at once, so that an hour of sound takes little more memory than a minute


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)
    parser.add_argument("--clips", type=input_file, required=True, help="the shard's trimmed clips, .h5")


def run(arguments: argparse.Namespace) -> None:
    """Compute the mels of one shard."""
    job = open_job("mel", arguments)
    settings = job.settings["mel"]
    samples_per_frame = settings.sample_rate_hz // job.settings["trim"].rate_hz
    run_shard(job, partial(_open, arguments.clips, settings, samples_per_frame))


@contextmanager
def _open(path: str, settings: Mel, samples_per_frame: int, _folder: Path) -> Iterator[Work]:
    with store.open_shard(path) as clips:

        def work(row: Row, before: ClipRecord) -> Result:
            first = int(before.numbers["first_frame"])
            frames = range(first, first + int(before.numbers["frames"]))
            mel = log_mel(store.sound(clips[row.clip_id], frames, samples_per_frame), settings)
            return Result({"mel_steps": len(mel)}, {"mel": mel})

        yield work


def log_mel(wave: np.ndarray, settings: Mel | None = None) -> np.ndarray:
    """Return the log-mel spectrogram float32 [M, bins] in ±bound of a float32 wave [N] in [-1, 1].

    Args:
        wave: mono samples at `settings.sample_rate_hz` (the paper's: 16 kHz).
        settings: parameters; None = the paper's.

    Raises:
        ValueError: the wave is not one-dimensional, or too short to pad.
    """
    settings = settings or paper().mel
    if wave.ndim != 1 or len(wave) <= settings.fft // 2:
        raise ValueError(f"a wave of shape {wave.shape} has no mel: give mono, more than {settings.fft // 2} samples")
    frames = np.lib.stride_tricks.sliding_window_view(_padded(wave, settings), settings.fft)[:: settings.hop]
    window = np.hanning(settings.fft + 1)[:-1].astype(np.float32)
    blocks = (frames[start : start + BLOCK_STEPS] * window for start in range(0, len(frames), BLOCK_STEPS))
    return np.concatenate([_log_mel(block, settings) for block in blocks])


def _padded(wave: np.ndarray, settings: Mel) -> np.ndarray:
    """Return the pre-emphasised wave with half a window before and after it, in one array: waves may be long."""
    half, end = settings.fft // 2, settings.fft // 2 + len(wave)
    padded = np.zeros(len(wave) + 2 * half, np.float32)
    np.multiply(wave[:-1], -settings.preemphasis, out=padded[half + 1 : end])
    padded[half:end] += wave
    if settings.padding == "reflect":
        padded[:half] = padded[2 * half : half : -1]
        padded[end:] = padded[end - 2 : end - 2 - half : -1]
    return padded


def _log_mel(windows: np.ndarray, settings: Mel) -> np.ndarray:
    """Return the mels float32 [n, bins] of windows [n, fft]."""
    energy = np.abs(np.fft.rfft(windows, axis=1)) @ mel_filters(settings).T
    floor = 10.0 ** (settings.floor_db / 20)
    level_db = 20 * np.log10(np.maximum(floor, energy)) - settings.reference_db
    scaled = 2 * settings.bound * (level_db - settings.floor_db) / -settings.floor_db - settings.bound
    return np.clip(scaled, -settings.bound, settings.bound).astype(np.float32)


@cache
def mel_filters(settings: Mel) -> np.ndarray:
    """Return triangular filters [bins, fft // 2 + 1] on Slaney's mel scale, each of area one."""
    hz = np.linspace(0, settings.sample_rate_hz / 2, settings.fft // 2 + 1)
    mels = np.linspace(_hz_to_mel(settings.low_hz), _hz_to_mel(settings.high_hz), settings.bins + 2)
    edges = _mel_to_hz(mels)
    rising = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return triangles * (2 / (edges[2:] - edges[:-2]))[:, None]


def _hz_to_mel(hz: float) -> float:
    if hz < LINEAR_TO_HZ:
        return hz / HZ_PER_MEL
    return LINEAR_TO_HZ / HZ_PER_MEL + np.log(hz / LINEAR_TO_HZ) / LOG_STEP


def _mel_to_hz(mels: np.ndarray) -> np.ndarray:
    turn = LINEAR_TO_HZ / HZ_PER_MEL
    return np.where(mels < turn, mels * HZ_PER_MEL, LINEAR_TO_HZ * np.exp(LOG_STEP * (mels - turn)))

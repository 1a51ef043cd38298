"""What a talking head hears: the mel of any file that has sound.

Shapes: M mel steps, N samples.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce.config.data import Mel
from tavce.data.mel import log_mel
from tavce.media import read_wave
from tavce.records import ClipError, InputError
from tavce.soundtrack import Soundtrack, soundtrack_of

log = logging.getLogger(__name__)
SILENT = 10 ** (-50 / 20)  # of full scale: what peaks below it is no speech


@dataclass(frozen=True)
class SpokenFile:
    """The sound of a file: what the networks hear of it, and what the finished video carries."""

    mel: np.ndarray  # float32 [M, bins] of the whole frames, as the stage `mel` computes it
    frames: int
    seconds: float  # of the whole frames
    soundtrack: Soundtrack


def read_speech(path: str | Path, settings: Mel, rate_hz: int) -> SpokenFile:
    """Return the sound of an audio or video file, as many whole frames as there are; silence is warned of.

    Args:
        path: anything ffmpeg reads; of several sounds the first.
        settings: of the mel.
        rate_hz: frames a second.

    Raises:
        InputError: it is not there, has no sound, cannot be read to its end, or is shorter than a frame.
    """
    try:
        wave, soundtrack = read_wave(path, settings.sample_rate_hz), soundtrack_of(path)
    except ClipError as error:
        raise InputError(f"{error.detail}: give a file with speech, such as .wav, .mp3, .m4a or a video") from error
    samples = settings.sample_rate_hz // rate_hz
    frames = len(wave) // samples
    if frames == 0:
        seconds = len(wave) / settings.sample_rate_hz
        raise InputError(f"{path} has {seconds:.3f} s of sound, less than one frame ({1 / rate_hz:g} s): give more")
    wave = wave[: frames * samples]
    if max(wave.max(), -wave.min()) < SILENT:
        log.warning("%s is silent: the mouth has nothing to say", path)
    return SpokenFile(log_mel(wave, settings), frames, frames / rate_hz, soundtrack)

"""Speech from text by eSpeak NG, and how lips move with it. Nothing is downloaded.

Shapes: N samples at SAMPLE_RATE_HZ, T frames at RATE_HZ.
"""

import subprocess
import sys

import numpy as np
from scipy.signal import resample_poly

from tavce.demo import espeak
from tavce.demo.espeak import Voice

SAMPLE_RATE_HZ, RATE_HZ = 16_000, 25
RESAMPLE_UP, RESAMPLE_DOWN = 320, 441  # eSpeak's 22 050 Hz · 320 / 441 = 16 000 Hz
PEAK = 0.7  # of the finished wave
SILENCE_S = 0.2  # before and after the words
FADE_S = 0.05

WINDOW = 1024
SOUND_HZ, FIRST_LOW_HZ, FIRST_HIGH_HZ, SECOND_HZ = (80, 4000), (150, 450), (450, 1000), (1500, 3200)
LOUD_RANGE = 2.2  # decades of power from a shut to an open mouth
SETTLING = (0.2, 0.6, 0.2)


class SpeechError(RuntimeError):
    """eSpeak NG is not installed, or does not know a voice; the message says which."""


def speak(text: str, voice: Voice, longest_s: float) -> np.ndarray:
    """Return the sentence as float32 [N] in [-1, 1]: a whole number of frames, silence at both ends.

    What lasts beyond `longest_s` is faded out and cut.

    Raises:
        SpeechError: the wheel is not installed, or has no such voice.
    """
    wave = resample_poly(_synthesise(text, voice).astype(float), RESAMPLE_UP, RESAMPLE_DOWN)
    audible = np.flatnonzero(np.abs(wave) > 0.01 * np.abs(wave).max())
    silence, fade = round(SILENCE_S * SAMPLE_RATE_HZ), round(FADE_S * SAMPLE_RATE_HZ)
    wave = wave[audible[0] : audible[-1] + 1][: int(longest_s * SAMPLE_RATE_HZ) - 2 * silence]
    wave[-fade:] *= np.linspace(1, 0, fade)
    hop = SAMPLE_RATE_HZ // RATE_HZ
    rest = -(len(wave) + 2 * silence) % hop
    return np.pad(wave * (PEAK / np.abs(wave).max()), (silence, silence + rest)).astype(np.float32)


def articulation(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far lips open (0..1) and spread (-1..1), float32 [T] each, frame by frame.

    Opening is loudness times the first formant's height; spread is the second formant's share.
    """
    hop = SAMPLE_RATE_HZ // RATE_HZ
    frames = len(wave) // hop
    centres = np.arange(frames) * hop + hop // 2
    padded = np.pad(wave, WINDOW // 2)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[centres] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(pieces)) ** 2 + 1e-10
    frequency_hz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE_HZ)

    def band(low_hz: float, high_hz: float) -> np.ndarray:
        return power[:, (frequency_hz > low_hz) & (frequency_hz < high_hz)].sum(axis=1)

    loudness = np.log10(band(*SOUND_HZ))
    voiced = band(*FIRST_LOW_HZ) + band(*FIRST_HIGH_HZ)
    loud = np.clip((loudness - np.percentile(loudness, 95) + LOUD_RANGE) / LOUD_RANGE, 0, 1)
    opening = loud**1.5 * (0.35 + 0.65 * band(*FIRST_HIGH_HZ) / voiced)
    colour = np.log10(band(*SECOND_HZ) / voiced)
    spread = np.tanh((colour - np.median(colour)) / max(colour.std(), 1e-3)) * loud
    return tuple(np.convolve(track, SETTLING, "same").astype(np.float32) for track in (opening, spread))


def _synthesise(text: str, voice: Voice) -> np.ndarray:
    """Return int16 samples at `espeak.RATE_HZ`."""
    program = [sys.executable, "-I", espeak.__file__, voice.name, str(voice.speed), str(voice.pitch)]
    done = subprocess.run(program, input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise SpeechError(done.stderr.decode(errors="replace").strip())
    return np.frombuffer(done.stdout, "<i2")

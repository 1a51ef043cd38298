"""Does the face move in time with the beats of the sound? The form of KDTalker's beat alignment.

Shapes: T frames, N samples.
The measure is one of dance, and speech has no metre: the beats of `librosa.beat.beat_track` are then those of the
nearest steady tempo. It runs from sound to movement, as KDTalker's does; Bailando's runs from movement to sound.
"""

from typing import ClassVar

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin

from tavce.faces.lips import SAMPLES_PER_FRAME
from tavce.faces.points import inter_ocular
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.landmarks import filled, found
from tavce.measure.measurements import MeasurementError, Measurements

SMOOTHED_FRAMES = 5.0  # σ of the Gaussian over the speed
TOLERANCE_S = 0.1  # σ of the credit for a beat near by
STILL_SPEED = 0.001  # inter-ocular a frame: a still face measures 0.00015, one whose mouth alone moves 0.007


def beat_alignment(audio_s: np.ndarray, motion_s: np.ndarray) -> float:
    """Return how near the beats of the sound lie to those of the face: 0 (far) to 1 (the same), higher is better.

    The mean over the sound's beats of exp(−d² / (2 · 0.1²)), d the seconds to the nearest beat of the face.

    Args:
        audio_s: times of the sound's beats [A], in seconds.
        motion_s: times of the face's [M].

    Raises:
        MeasurementError: there is no beat in one of the two.
    """
    for name, beats in (("sound", audio_s), ("face's movement", motion_s)):
        if not len(beats):
            raise MeasurementError(f"the {name} has no beat")
    apart = np.abs(audio_s[:, None] - motion_s).min(axis=1)
    return float(np.exp(-(apart**2) / (2 * TOLERANCE_S**2)).mean())


def motion_beats(landmarks: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return when a face comes to rest, in seconds [M]: the local minima of its smoothed speed.

    The speed is the mean over the points of how far each moves from a frame to the next, smoothed by a Gaussian of
    5 frames; it belongs to the time between the two, frame k being shown at k / rate_hz.

    Args:
        landmarks: float32 [T, 68, 2] px; gaps are bridged (`filled`).
        rate_hz: frames a second.

    Raises:
        ValueError: no frame has landmarks.
        MeasurementError: the face does not move.
    """
    whole = filled(landmarks).astype(np.float64)
    speed = np.linalg.norm(np.diff(whole, axis=0), axis=-1).mean(axis=1) / np.median(inter_ocular(whole))
    if not len(speed) or speed.mean() < STILL_SPEED:
        raise MeasurementError("the face does not move: its landmarks move by less than the detector's noise")
    (minima,) = argrelmin(gaussian_filter1d(speed, SMOOTHED_FRAMES))
    return (minima + 0.5) / rate_hz


def audio_beats(wave: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return the beats of a mono wave float32 [N], in seconds [A], as `librosa.beat.beat_track` finds them.

    Its steps are of 512 samples: 32 ms at 16 kHz. The first call of a process takes seconds, in which librosa compiles.
    """
    import librosa  # only where it is called: other groups need not wait for it

    return librosa.beat.beat_track(y=wave, sr=rate_hz, units="time")[1]


class BeatGroup:
    """Movement in time with the sound."""

    name: ClassVar[str] = "beats"
    metrics: ClassVar[tuple[str, ...]] = ("beat_align",)
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Take the settings of a job."""
        self._settings, self._rate_hz = setup.settings, setup.window.rate_hz

    def depends(self) -> object:
        """Return the settings that are read."""
        return [self._settings.min_frames, self._rate_hz]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare the beats of the sound with those of the generated face."""
        measured.take("beat_align", lambda: self._alignment(clip))

    def _alignment(self, clip: Clip) -> float:
        """Return the alignment over the frames that the sound covers."""
        wave = clip.sound.require()
        count = min(len(clip.frames), len(wave) // SAMPLES_PER_FRAME)
        landmarks = clip.landmarks[:count]
        clip.require_frames(int(found(landmarks).sum()), "landmarks and sound")
        moved = motion_beats(landmarks, self._rate_hz)
        heard = audio_beats(wave[: count * SAMPLES_PER_FRAME], self._rate_hz * SAMPLES_PER_FRAME)
        return beat_alignment(heard, moved)

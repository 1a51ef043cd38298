"""All metrics of one generated video, each a number or a reason.

Reads   the generated mp4 (with sound), and the JPEGs and landmarks of the reference's crop
Shapes: T frames, H × W pixels of the generated video, to which the reference is resized
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import h5py
import numpy as np

from tavce import media, store
from tavce.config.learning import Score
from tavce.evaluate.image import clip_mean, psnr, ssim
from tavce.evaluate.landmarks import detect_landmarks, found, lmd
from tavce.evaluate.metrics import MeasurementError, Measurements
from tavce.evaluate.sync import av_corr, av_offset
from tavce.faces.lips import SAMPLES_PER_FRAME, loudness_db
from tavce.faces.points import mouth_opening
from tavce.records import ClipError

MAX_FRAMES_APART = 1  # in length, between a generated clip and its reference
STILL_MOUTH = 0.002  # deviation of the opening, inter-ocular: a still face measures 0.0003, a talking one 0.02–0.04


@dataclass(frozen=True)
class Level:
    """The loudness [T] of a video's sound in dB, or None and the reason."""

    values: np.ndarray | None
    reason: str = ""

    def require(self) -> np.ndarray:
        """Return the loudness.

        Raises:
            MeasurementError: there is none.
        """
        if self.values is None:
            raise MeasurementError(self.reason)
        return self.values


def read_level(path: str | Path, rate_hz: int) -> Level:
    """Return the loudness of every video frame, `rate_hz` a second, that the file's sound covers."""
    try:
        wave = media.read_wave(path, rate_hz * SAMPLES_PER_FRAME)
    except ClipError as error:
        return Level(None, str(error))
    return Level(loudness_db(wave, len(wave) // SAMPLES_PER_FRAME))


def read_reference(group: h5py.Group, width: int, height: int) -> list[np.ndarray]:
    """Return a crop's frames, uint8 [height, width, 3] RGB, resized by pixel area where the size differs."""
    frames = []
    for index in range(len(group["offsets"]) - 1):
        picture = cv2.cvtColor(cv2.imdecode(store.picture(group, index), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        if picture.shape[:2] != (height, width):
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        frames.append(picture)
    return frames


def read_landmarks(group: h5py.Group, width: int) -> np.ndarray:
    """Return a crop's landmarks float32 [T, 68, 2], px of the crop resized to `width`.

    They were found in the source at its own size, so they do not share the generated video's lack of detail.
    """
    return (group["landmarks"][:] + 0.5) * (width / group.attrs["size_px"]) - 0.5


@dataclass
class ClipScorer:
    """Measures one generated clip against its reference and its sound; `other` is another clip's sound."""

    frames: list[np.ndarray]
    reference: list[np.ndarray]
    reference_landmarks: np.ndarray
    level: Level
    other: Level
    settings: Score
    landmarks: np.ndarray = field(init=False)

    def __post_init__(self):
        self.landmarks = detect_landmarks(self.frames)

    def measure(self) -> Measurements:
        """Return every metric of the clip, as a number or as a reason."""
        measured = Measurements()
        measured.take("psnr", lambda: self._compare(psnr))
        measured.take("ssim", lambda: self._compare(ssim))
        measured.take("lmd", self._lmd)
        measured.take("av_corr", lambda: av_corr(*self._signals(self.level)))
        measured.take("av_corr_shuffled", lambda: av_corr(*self._signals(self.other)))
        measured.take("av_offset", lambda: av_offset(*self._signals(self.level), self.settings.max_lag_frames))
        measured.take("frames", self._compared_frames)
        return measured

    def _compared_frames(self) -> int:
        made, real = len(self.frames), len(self.reference)
        if abs(made - real) > MAX_FRAMES_APART:
            raise MeasurementError(f"{made} frames were generated, the reference has {real}")
        return min(made, real)

    def _compare(self, measure: Callable[[np.ndarray, np.ndarray], float]) -> float:
        count = self._compared_frames()
        return clip_mean(measure, self.reference[:count], self.frames[:count])

    def _lmd(self) -> float:
        count = self._compared_frames()
        real, made = self.reference_landmarks[:count], self.landmarks[:count]
        self._require_frames(int((found(real) & found(made)).sum()), "landmarks in both videos")
        return lmd(real, made)

    def _signals(self, level: Level) -> tuple[np.ndarray, np.ndarray]:
        """Return opening and loudness, cut to the shorter of the two."""
        loudness = level.require()
        count = min(len(self.frames), len(loudness))
        opening = mouth_opening(self.landmarks[:count])
        self._require_frames(int(np.isfinite(opening).sum()), "landmarks and sound")
        if np.nanstd(opening) < STILL_MOUTH:
            raise MeasurementError("the mouth does not move: its opening varies by less than the detector's noise")
        return opening, loudness[:count]

    def _require_frames(self, count: int, what: str) -> None:
        if count < self.settings.min_frames:
            raise MeasurementError(f"{count} frames have {what}, score.min_frames is {self.settings.min_frames}")

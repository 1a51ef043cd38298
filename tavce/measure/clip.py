"""One generated video beside the real one, as the metrics see it.

Reads   the generated mp4 (with sound), and the JPEGs of the reference's crop
Shapes: T frames, H × W pixels, to which the reference is resized
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import h5py
import numpy as np

from tavce import store
from tavce.config.evaluation import Score
from tavce.faces.lips import SAMPLES_PER_FRAME, loudness_db
from tavce.faces.points import mouth_opening
from tavce.measure.landmarks import detect_landmarks
from tavce.measure.measurements import MeasurementError

STILL_MOUTH = 0.002  # deviation of the opening, inter-ocular: a still face measures 0.0003, a talking one 0.02–0.04


@dataclass(frozen=True)
class Sound:
    """A video's sound, mono, float32 [N] in [-1, 1], SAMPLES_PER_FRAME a frame; or None and the reason."""

    wave: np.ndarray | None
    reason: str = ""

    def require(self) -> np.ndarray:
        """Return the wave.

        Raises:
            MeasurementError: there is none.
        """
        if self.wave is None:
            raise MeasurementError(self.reason)
        return self.wave

    @property
    def loudness(self) -> np.ndarray:
        """The level [T] of every frame that the sound covers, in dB.

        Raises:
            MeasurementError: there is no sound.
        """
        wave = self.require()
        return loudness_db(wave, len(wave) // SAMPLES_PER_FRAME)


def read_reference(group: h5py.Group, width: int, height: int) -> list[np.ndarray]:
    """Return a crop's frames, uint8 [height, width, 3] RGB, resized by pixel area where the size differs."""
    frames = []
    for index in range(len(group["offsets"]) - 1):
        picture = cv2.cvtColor(cv2.imdecode(store.picture(group, index), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        if picture.shape[:2] != (height, width):
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        frames.append(picture)
    return frames


@dataclass
class Clip:
    """A generated video, its reference and its sound; `other` is another clip's sound.

    frames, reference: uint8 [H, W, 3] RGB, 25 a second, of one size.
    crop_px: side of the reference's crop as it is stored, before it was brought to that size.
    find_faces: returns the landmarks of the reference's frames; what is kept of them may be given in its place.
    """

    clip_id: str
    frames: list[np.ndarray]
    reference: list[np.ndarray]
    crop_px: int
    sound: Sound
    other: Sound
    settings: Score
    find_faces: Callable[[list[np.ndarray]], np.ndarray] = detect_landmarks

    @cached_property
    def landmarks(self) -> np.ndarray:
        """The generated face's landmarks float32 [T, 68, 2] px; NaN where none was found."""
        return detect_landmarks(self.frames)

    @cached_property
    def reference_landmarks(self) -> np.ndarray:
        """The real face's landmarks float32 [T, 68, 2] px; NaN where none was found.

        Found anew, by the same detector in frames of the same size: those that the crop stores may be another
        detector's, were found in the source at its own size, and are smoothed over time. A distance to them would
        count all that as an error of the generated video.
        """
        return self.find_faces(self.reference)

    @cached_property
    def opening(self) -> np.ndarray:
        """The opening [T] of the generated mouth, inter-ocular; NaN where no face was found."""
        return mouth_opening(self.landmarks)

    @property
    def compared(self) -> int:
        """How many frames both videos have.

        Raises:
            MeasurementError: the videos differ in length by more than `score.max_frames_apart`.
        """
        made, real = len(self.frames), len(self.reference)
        if abs(made - real) > self.settings.max_frames_apart:
            raise MeasurementError(f"{made} frames were generated, the reference has {real}")
        return min(made, real)

    def require_frames(self, count: int, what: str) -> None:
        """Make sure that enough frames have something.

        Raises:
            MeasurementError: fewer have it than `score.min_frames`.
        """
        if count < self.settings.min_frames:
            raise MeasurementError(
                f"{count} of {len(self.frames)} frames have {what}, score.min_frames is {self.settings.min_frames}"
            )

    def signals(self, sound: Sound) -> tuple[np.ndarray, np.ndarray]:
        """Return the mouth's opening and the loudness, cut to the shorter of the two.

        Raises:
            MeasurementError: there is no sound, too few frames have a face, or the mouth does not move.
        """
        loudness = sound.loudness
        count = min(len(self.frames), len(loudness))
        opening = self.opening[:count]
        self.require_frames(int(np.isfinite(opening).sum()), "landmarks and sound")
        if np.nanstd(opening) < STILL_MOUTH:
            raise MeasurementError("the mouth does not move: its opening varies by less than the detector's noise")
        return opening, loudness[:count]

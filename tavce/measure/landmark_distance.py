"""The metrics LMD of mouth and face, and where the mouth is for whoever shows the video."""

from typing import ClassVar

import numpy as np

from tavce.faces.points import MOUTH
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.landmarks import SCORED, found, lmd, mouth_place
from tavce.measure.measurements import Measurements


class LandmarkGroup:
    """Distances of landmarks; and the curve `mouth`, `mouth_place` of the generated video, absent without a face."""

    name: ClassVar[str] = "landmarks"
    metrics: ClassVar[tuple[str, ...]] = ("lmd_mouth", "lmd_face")
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Take the settings of a job."""
        self._settings = setup.settings

    def depends(self) -> object:
        """Return the settings that are read."""
        return [self._settings.min_frames, self._settings.max_frames_apart]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare the landmarks of every frame with the real ones."""
        measured.take("lmd_face", lambda: lmd(*self._both(clip), SCORED, centred=False))
        measured.take("lmd_mouth", lambda: lmd(*self._both(clip), MOUTH, centred=True))
        if found(clip.landmarks).any():
            height, width = clip.frames[0].shape[:2]
            measured.curves["mouth"] = mouth_place(clip.landmarks, width, height)

    def _both(self, clip: Clip) -> tuple[np.ndarray, np.ndarray]:
        count = clip.compared
        real, made = clip.reference_landmarks[:count], clip.landmarks[:count]
        clip.require_frames(int((found(real) & found(made)).sum()), "landmarks in both videos")
        return real, made

"""The metrics LMD of mouth and face."""

from typing import ClassVar

from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.landmarks import found, lmd
from tavce.measure.metrics import Measurements


class LandmarkGroup:
    """Distances of landmarks."""

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
        measured.take("lmd_face", lambda: self._distance(clip))
        measured.take("lmd_mouth", lambda: self._distance(clip))

    def _distance(self, clip: Clip) -> float:
        count = clip.compared
        real, made = clip.reference_landmarks[:count], clip.landmarks[:count]
        clip.require_frames(int((found(real) & found(made)).sum()), "landmarks in both videos")
        return lmd(real, made)

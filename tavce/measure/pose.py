"""How much the head turns: a metric of a clip that needs no reference.

Shapes: T frames.
"""

from typing import ClassVar

import numpy as np

from tavce.faces.mean_face import head_pose
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.landmarks import found
from tavce.measure.measurements import Measurements


def pose_diversity(landmarks: np.ndarray) -> float:
    """Return the spread of the head's angles in degrees, 0 (still) or more; NaN without landmarks.

    The standard deviation over time of pitch, yaw and roll, mean over the three: the form of KDTalker's diversity.
    There Hopenet tells the angles, here it is a mean face that is fitted to the landmarks (`head_pose`), so the two
    cannot be compared.

    Args:
        landmarks: [T, 68, 2]; frames of NaN are left out.
    """
    angles = np.degrees(head_pose(landmarks[found(landmarks)]).rotation.astype(np.float64))
    return float(angles.std(axis=0).mean()) if len(angles) else float("nan")


class PoseGroup:
    """Movement of the head."""

    name: ClassVar[str] = "pose"
    metrics: ClassVar[tuple[str, ...]] = ("pose_diversity",)
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Take the settings of a job."""
        self._settings = setup.settings

    def depends(self) -> object:
        """Return the setting that is read."""
        return self._settings.min_frames

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Measure the generated head."""
        measured.take("pose_diversity", lambda: self._diversity(clip))

    def _diversity(self, clip: Clip) -> float:
        clip.require_frames(int(found(clip.landmarks).sum()), "landmarks")
        return pose_diversity(clip.landmarks)

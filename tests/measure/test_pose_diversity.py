import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tavce.faces.mean_face import MEAN_FACE
from tavce.measure.pose import pose_diversity


def turned(angles_deg: np.ndarray) -> np.ndarray:
    """Return the mean face's landmarks [T, 68, 2] px under angles [T, 3] of pitch, yaw and roll."""
    rotations = Rotation.from_euler("ZYX", angles_deg[:, ::-1], degrees=True).as_matrix()
    return 60 * np.einsum("tij,pj->tpi", rotations, MEAN_FACE)[..., :2] + (120, 90)


def test_the_diversity_is_the_mean_spread_of_the_three_angles_in_degrees():
    swing = np.sin(np.linspace(0, 4 * np.pi, 100, endpoint=False))  # its standard deviation is √½
    angles = swing[:, None] * [4, 20, 6]
    assert pose_diversity(turned(angles)) == pytest.approx(30 * np.sqrt(0.5) / 3, abs=0.02)


def test_a_head_that_is_held_askew_but_still_has_none():
    assert pose_diversity(turned(np.tile([[10.0, -25, 5]], (20, 1)))) == pytest.approx(0, abs=1e-3)


def test_frames_without_a_face_are_left_out_of_the_spread():
    angles = np.random.default_rng(0).normal(0, 5, (30, 3))
    landmarks = turned(angles)
    landmarks[::3] = np.nan
    kept = angles[np.arange(30) % 3 > 0]
    assert pose_diversity(landmarks) == pytest.approx(kept.std(axis=0).mean(), abs=0.02)


def test_a_video_without_a_face_has_no_diversity():
    assert np.isnan(pose_diversity(np.full((5, 68, 2), np.nan)))

"""Facts about the mean face and the head pose."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tavce.faces.mean_face import MEAN_FACE, RIGID, frontalise, head_pose, pose_landmarks
from tavce.faces.points import JAW, MIRRORED, MOUTH, inter_ocular

ANGLES = np.radians(np.array([[0, 0, 0], [10, -20, 5], [-15, 30, -25], [20, 35, 40], [0, -40, 0]], float))


def projections(angles: np.ndarray, scale_px: float = 60.0, centre_px=(120.0, 90.0)) -> np.ndarray:
    turned = np.stack([MEAN_FACE @ Rotation.from_euler("ZYX", angle[::-1]).as_matrix().T for angle in angles])
    return turned[..., :2] * scale_px + centre_px


def test_mean_face_has_unit_eye_distance_and_is_centred_and_symmetric():
    assert inter_ocular(MEAN_FACE[:, :2]) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(MEAN_FACE[list(RIGID)].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(MEAN_FACE[list(MIRRORED)] * [-1, 1, 1], MEAN_FACE, atol=2e-4)


def test_nose_is_nearer_to_the_camera_than_the_ears():
    assert MEAN_FACE[30, 2] < MEAN_FACE[27, 2] < MEAN_FACE[0, 2]


def test_known_poses_are_recovered():
    pose = head_pose(projections(ANGLES))
    np.testing.assert_allclose(np.degrees(pose.rotation), np.degrees(ANGLES), atol=0.05)
    np.testing.assert_allclose(pose.scale_px, 60, rtol=1e-3)
    np.testing.assert_allclose(pose.translation_px, [[120, 90]] * len(ANGLES), atol=0.05)


def test_half_a_pixel_of_noise_moves_the_pose_by_little():
    noise = np.random.default_rng(0).normal(0, 0.5, (200, 68, 2))
    truth = np.repeat(np.radians([[5.0, 15.0, -10.0]]), 200, axis=0)
    error = np.degrees(head_pose(projections(truth) + noise).rotation - truth)
    assert np.all(np.abs(error.mean(axis=0)) < 0.3)
    assert np.all(error.std(axis=0) < (1.5, 1.5, 0.5))


def test_speaking_does_not_turn_the_head():
    closed = projections(ANGLES)
    speaking = closed.copy()
    speaking[:, MOUTH, 1] += 12
    speaking[:, JAW, 1] += 8
    np.testing.assert_array_equal(head_pose(speaking).rotation, head_pose(closed).rotation)


def test_signs_are_as_the_docstring_says():
    nose = {axis: projections(np.eye(3)[[axis]] * 0.2)[0, 30] - (120, 90) for axis in range(3)}
    level = projections(np.zeros((1, 3)))[0, 30] - (120, 90)
    assert nose[0][1] > level[1]  # pitch: down
    assert nose[1][0] < level[0]  # yaw: to the picture's left
    assert nose[2][0] < 0  # roll: what is below the centre swings left, clockwise on screen


def test_pose_landmarks_undoes_frontalise():
    landmarks = projections(ANGLES) + np.random.default_rng(1).normal(0, 2, (len(ANGLES), 68, 2))
    pose = head_pose(landmarks)
    np.testing.assert_allclose(pose_landmarks(frontalise(landmarks, pose), pose), landmarks, atol=1e-4)


def test_frontal_landmarks_do_not_depend_on_the_pose():
    landmarks = projections(ANGLES)
    frontal = frontalise(landmarks, head_pose(landmarks))
    np.testing.assert_allclose(frontal, np.repeat(MEAN_FACE[None, :, :2], len(ANGLES), axis=0), atol=2e-3)


def test_a_frame_without_landmarks_stays_empty_and_harms_no_other():
    landmarks = projections(ANGLES)
    landmarks[2] = np.nan
    pose = head_pose(landmarks)
    frontal = frontalise(landmarks, pose)
    assert np.isnan(pose.rotation[2]).all()
    assert np.isnan(pose.scale_px[2])
    assert np.isnan(frontal[2]).all()
    assert np.isnan(pose_landmarks(frontal, pose)[2]).all()
    others = [0, 1, 3, 4]
    np.testing.assert_array_equal(pose.rotation[others], head_pose(landmarks[others]).rotation)
    assert np.isfinite(frontal[others]).all()


def test_no_frame_at_all_has_an_empty_pose():
    pose = head_pose(np.zeros((0, 68, 2)))
    assert (pose.rotation.shape, pose.translation_px.shape, pose.scale_px.shape) == ((0, 3), (0, 2), (0,))


def test_a_wholly_empty_clip_has_an_empty_face():
    lost = np.full((3, 68, 2), np.nan)
    assert np.isnan(frontalise(lost, head_pose(lost))).all()

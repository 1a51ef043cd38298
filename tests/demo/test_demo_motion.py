"""Facts about motion coefficients of the demo's speakers, whose landmarks are known exactly."""

from itertools import product

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from tavce.demo.head import Expression
from tavce.demo.movement import move
from tavce.demo.speakers import head_of
from tavce.faces.basis import ExpressionBasis, explained_share
from tavce.faces.facemesh import FaceMesh
from tavce.faces.mean_face import HeadPose, frontalise, head_pose, pose_landmarks

SPEAKERS = range(8)
HELD_OUT = (6, 7)
STEPS_DEG = (-30, -15, 0, 15, 30)


def talking(speaker: int, frames: int = 30) -> np.ndarray:
    """Return pose-free landmarks [T, 68, 2] of a speaker whose lips follow smooth noise."""
    random = np.random.default_rng(speaker)
    opening, spread = (gaussian_filter1d(random.normal(size=frames), 3) for _ in range(2))
    movement = move(np.clip(0.35 + 0.9 * opening, 0, 1), np.clip(2 * spread, -1, 1), speaker)
    landmarks = np.stack([head_of(speaker).frame(expression)[1] for expression in movement.expressions()])
    return frontalise(landmarks, head_pose(landmarks))


@pytest.fixture(scope="module")
def frontal() -> dict[int, np.ndarray]:
    return {speaker: talking(speaker) for speaker in SPEAKERS}


@pytest.mark.parametrize("speaker", HELD_OUT)
def test_sixty_four_components_hold_the_movement_of_speakers_they_have_not_seen(frontal, speaker):
    seen = np.concatenate([frontal[other] for other in SPEAKERS if other not in HELD_OUT])
    basis, true = ExpressionBasis.fit(seen, 64), frontal[speaker]
    flat = true.reshape(len(true), -1)
    rebuilt = basis.frontal((flat - basis.mean) @ basis.components.T / basis.scale)
    shape_too = 1 - np.square(true - rebuilt).sum() / np.square(flat - basis.mean).sum()
    assert explained_share(true, rebuilt) > 0.95
    assert shape_too > 0.95


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_known_angles_of_a_speaker_s_own_face_are_recovered_within_three_degrees(speaker):
    known = np.array([*product(STEPS_DEG, repeat=3)], np.float32)
    still = head_of(speaker).frame(Expression(opening=0.3))[1][None]
    face = np.repeat(frontalise(still, head_pose(still)), len(known), axis=0)
    centre, scale = np.full((len(known), 2), 128, np.float32), np.full(len(known), 90, np.float32)
    found = head_pose(pose_landmarks(face, HeadPose(np.radians(known), centre, scale))).rotation
    assert np.abs(np.degrees(found) - known).max() < 3


@pytest.mark.parametrize("speaker", [0, 1])
def test_a_turned_picture_has_its_head_rolled_as_much_within_three_degrees(speaker):
    picture, _ = head_of(speaker).frame(Expression(opening=0.3))
    turns = [cv2.getRotationMatrix2D((128, 128), -angle, 1.0) for angle in STEPS_DEG]
    pictures = [cv2.warpAffine(picture, turn, (256, 256), borderMode=cv2.BORDER_REFLECT) for turn in turns]
    back_end = FaceMesh()
    landmarks, *_ = back_end.landmarks(pictures, [faces[0] for faces in back_end.detect(pictures)])
    roll = np.degrees(head_pose(landmarks).rotation[:, 2])
    assert np.abs(roll - roll[STEPS_DEG.index(0)] - STEPS_DEG).max() < 3

"""Landmarks of faces that move their mouths and heads, made up from the mean face."""

import numpy as np

from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import MEAN_FACE, HeadPose, pose_landmarks
from tavce.faces.points import MOUTH

SIDE_PX = 256
WAYS = 6  # in which these faces can move


def moving_face(frames: int, seed: int, liveliness: float = 0.03) -> np.ndarray:
    """Return landmarks float32 [T, 68, 2] px in a crop of side 256: a few expressions under a swaying pose."""
    ways = np.random.default_rng(0).normal(size=(WAYS, 68, 2)) * 0.3
    ways[:, MOUTH] *= 4
    draw = np.random.default_rng(seed)
    frontal = MEAN_FACE[:, :2] + np.einsum("tw,wpi->tpi", draw.normal(size=(frames, WAYS)) * liveliness, ways)
    pose = HeadPose(
        draw.normal(size=(frames, 3)).astype(np.float32) * 0.1,
        (SIDE_PX / 2 + draw.normal(size=(frames, 2)) * 5).astype(np.float32),
        np.full(frames, 70, np.float32),
    )
    return pose_landmarks(frontal, pose)


def landmarks_of(basis: ExpressionBasis, motion: np.ndarray, side_px: float) -> np.ndarray:
    """Return the landmarks float32 [T, 68, 2] px of motion [T, E + 6] of the landmarks backend."""
    rotation, centre, size = motion[:, -6:-3], motion[:, -3:-1], motion[:, -1]
    pose = HeadPose(rotation, (centre + 0.5) * side_px, np.exp(size) * side_px)
    return pose_landmarks(basis.frontal(motion[:, :-6]), pose)

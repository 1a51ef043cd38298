"""Seventy motion coefficients from landmarks, and back: expression (64), rotation (3), translation (3).

The expression is what is left of the landmarks when the head's pose is taken away, in principal components fitted on
training speakers. Rotation is pitch, yaw, roll in radians; translation is x, y of the head in crop sides from the
crop's centre, and the logarithm of its size in crop sides. Needs no weights (paper.md, Motion coefficients).
Shapes: T frames, E components, P = 136 coordinates of 68 points.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce.faces.mean_face import HeadPose, frontalise, head_pose, pose_landmarks
from tavce.files import whole

POSE = 6


@dataclass(frozen=True)
class ExpressionBasis:
    """Principal components of pose-free landmarks."""

    mean: np.ndarray  # float32 [P]
    components: np.ndarray  # float32 [E, P], orthonormal rows
    scale: float  # standard deviation of the first component: coefficients are divided by it
    explained: float  # share of the variance that the components hold on the frames of the fit

    @classmethod
    def fit(cls, frontal: np.ndarray, components: int) -> "ExpressionBasis":
        """Return the basis of pose-free landmarks [n, 68, 2].

        Raises:
            ValueError: fewer frames than components.
        """
        flat = frontal.reshape(len(frontal), -1).astype(np.float64)
        if len(flat) < components:
            raise ValueError(f"{len(flat)} frames cannot give {components} components")
        mean = flat.mean(axis=0)
        _, spread, rows = np.linalg.svd(flat - mean, full_matrices=False)
        variance = spread**2 / len(flat)
        scale = float(np.sqrt(variance[0])) or 1.0
        explained = float(variance[:components].sum() / variance.sum()) if variance.sum() > 0 else 1.0
        signs = np.where(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)] < 0, -1.0, 1.0)
        chosen = (rows * signs[:, None])[:components]
        return cls(mean.astype(np.float32), chosen.astype(np.float32), scale, explained)

    def save(self, path: str | Path, **notes: str) -> None:
        """Write the basis as .npz, whole or not at all, with notes on where it is from."""
        with whole(path) as part:
            np.savez(
                part,
                mean=self.mean,
                components=self.components,
                scale=self.scale,
                explained=self.explained,
                **notes,
            )

    @classmethod
    def load(cls, path: str | Path) -> "ExpressionBasis":
        """Return a saved basis."""
        with np.load(path) as file:
            return cls(file["mean"], file["components"], float(file["scale"]), float(file["explained"]))

    def motion(self, landmarks_px: np.ndarray, side_px: float) -> np.ndarray:
        """Return float32 [T, E + 6] of landmarks [T, 68, 2] in a square crop of side `side_px`."""
        pose = head_pose(landmarks_px)
        frontal = frontalise(landmarks_px, pose).reshape(len(landmarks_px), -1)
        expression = (frontal - self.mean) @ self.components.T / self.scale
        centre = pose.translation_px / side_px - 0.5
        size = np.log(pose.scale_px / side_px)[:, None]
        return np.concatenate([expression, pose.rotation, centre, size], axis=1).astype(np.float32)

    def landmarks(self, motion: np.ndarray, side_px: float) -> np.ndarray:
        """Return landmarks float32 [T, 68, 2] of motion [T, E + 6]: the inverse, up to components left out."""
        count = len(self.components)
        frontal = (motion[:, :count] * self.scale @ self.components + self.mean).reshape(-1, 68, 2)
        rotation, centre, size = motion[:, count : count + 3], motion[:, count + 3 : count + 5], motion[:, count + 5]
        pose = HeadPose(rotation, (centre + 0.5) * side_px, np.exp(size) * side_px)
        return pose_landmarks(frontal, pose).astype(np.float32)

"""The linear map from expression coefficients to pose-free landmarks; and seventy motion coefficients from landmarks.

Motion is expression (64), rotation (3), translation (3). From landmarks alone, the expression is what is left of them
when the head's pose is taken away, in principal components fitted on training speakers. Rotation is pitch, yaw, roll in
radians; translation is x, y of the head in crop sides from the crop's centre, and the logarithm of its size in crop
sides. Needs no weights (paper.md, Motion coefficients). Where a network gives the coefficients, the map is fitted to
them by least squares (`fit_map`).
Shapes: n, T frames, E components, P = 136 coordinates of 68 points.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce.faces.mean_face import frontalise, head_pose
from tavce.files import whole

POSE = 6
LANDMARKS = "landmarks"  # the backend whose coefficients the components themselves give


@dataclass(frozen=True)
class ExpressionBasis:
    """What a frame's expression does to pose-free landmarks."""

    mean: np.ndarray  # float32 [P]
    components: np.ndarray  # float32 [E, P]; principal ones are orthonormal
    scale: float  # coefficients are divided by it: the first principal component's standard deviation, or 1
    explained: float  # share of the landmarks' variance that the coefficients hold on the frames of the fit
    backend: str = LANDMARKS  # what gave the coefficients of the fit

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

    @classmethod
    def fit_map(cls, expression: np.ndarray, frontal: np.ndarray, backend: str) -> "ExpressionBasis":
        """Return the least-squares map from coefficients [n, E] of a backend to pose-free landmarks [n, 68, 2].

        Raises:
            ValueError: fewer frames than coefficients.
        """
        frames, components = expression.shape
        if frames < components:
            raise ValueError(f"{frames} frames cannot give {components} components")
        flat = frontal.reshape(frames, -1).astype(np.float64)
        middle, mean = expression.mean(axis=0, dtype=np.float64), flat.mean(axis=0)
        rows = np.linalg.lstsq(expression - middle, flat - mean, rcond=None)[0]
        intercept = (mean - middle @ rows).astype(np.float32)
        explained = explained_share(flat, expression @ rows)
        return cls(intercept, rows.astype(np.float32), 1.0, explained, backend)

    def save(self, path: str | Path, **notes: str) -> None:
        """Write the basis as .npz, whole or not at all, with notes on where it is from."""
        with whole(path) as part:
            np.savez(
                part,
                mean=self.mean,
                components=self.components,
                scale=self.scale,
                explained=self.explained,
                backend=self.backend,
                **notes,
            )

    @classmethod
    def load(cls, path: str | Path) -> "ExpressionBasis":
        """Return a saved basis."""
        with np.load(path) as file:
            numbers = float(file["scale"]), float(file["explained"])
            return cls(file["mean"], file["components"], *numbers, str(file["backend"]))

    def frontal(self, expression: np.ndarray) -> np.ndarray:
        """Return pose-free landmarks float32 [T, 68, 2] of expression coefficients [T, E]."""
        return (expression * self.scale @ self.components + self.mean).reshape(-1, 68, 2).astype(np.float32)

    def motion(self, landmarks_px: np.ndarray, side_px: float) -> np.ndarray:
        """Return float32 [T, E + 6] of landmarks [T, 68, 2] in a square crop of side `side_px`.

        The components must be principal ones.
        """
        pose = head_pose(landmarks_px)
        frontal = frontalise(landmarks_px, pose).reshape(len(landmarks_px), -1)
        expression = (frontal - self.mean) @ self.components.T / self.scale
        centre = pose.translation_px / side_px - 0.5
        size = np.log(pose.scale_px / side_px)[:, None]
        return np.concatenate([expression, pose.rotation, centre, size], axis=1).astype(np.float32)


def explained_share(true: np.ndarray, rebuilt: np.ndarray) -> float:
    """Return which share of the variance of `true` [n, ...], over n, `rebuilt` holds: 1 is all, below 0 is worse than
    none. A difference that is always the same does not count."""
    total = true.var(axis=0).sum()
    return float(1 - (true - rebuilt).var(axis=0).sum() / total) if total else 1.0

"""Move the points of a picture and let the picture follow: piecewise-affine warping on a triangle mesh.

Shapes: V mesh points, K triangles, S side of the square picture in px.
"""

import cv2
import numpy as np
from scipy.spatial import Delaunay

COARSE = 2  # px a step of the sampling map; it is linear inside a triangle and blurs the seams between them
FIXED_POINT_BITS = 4
MIN_AREA_PX = 1.0  # a thinner triangle (a closed eye, shut lips) is left to its neighbours


class Warp:
    """Warps of square pictures of one size, that all start from the same rest points."""

    def __init__(self, rest: np.ndarray, side: int):
        """Triangulate the rest points [V, 2] px; they should reach the picture's corners."""
        self._rest = np.asarray(rest, float)
        self._triangles = Delaunay(self._rest).simplices
        self._side = side
        self._steps = np.arange(side // COARSE) * COARSE + (COARSE - 1) / 2

    def __call__(self, picture: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """Return the picture uint8 [S, S, 3] with its rest points brought to `moved` [V, 2] px."""
        corners = np.asarray(moved, float)[self._triangles]
        maps, areas = self._affine_maps(corners)
        owner = self._owners(corners, areas)
        rows = np.concatenate([maps, np.eye(2, 3)[None]])[owner]  # [S/2, S/2, 2, 3]; no owner: unmoved
        at = rows[..., 0] * self._steps[:, None] + rows[..., 1] * self._steps[:, None, None] + rows[..., 2]
        fine = cv2.resize(at.astype(np.float32), (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        return cv2.remap(picture, fine, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def _affine_maps(self, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, for each moved triangle [K, 3, 2], the map [K, 2, 3] to its rest place, and its area in px²."""
        source = self._rest[self._triangles]
        edges, source_edges = corners[:, 1:] - corners[:, :1], source[:, 1:] - source[:, :1]
        double_area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
        safe = np.where(np.abs(double_area) < MIN_AREA_PX, 1.0, double_area)
        cofactors = np.stack(
            [
                np.stack([edges[:, 1, 1], -edges[:, 0, 1]], axis=1),
                np.stack([-edges[:, 1, 0], edges[:, 0, 0]], axis=1),
            ],
            axis=1,
        )
        linear = np.einsum("kij,kjl->kli", cofactors / safe[:, None, None], source_edges)
        shift = source[:, 0] - np.einsum("kij,kj->ki", linear, corners[:, 0])
        return np.concatenate([linear, shift[..., None]], axis=2), np.abs(double_area) / 2

    def _owners(self, corners: np.ndarray, areas: np.ndarray) -> np.ndarray:
        """Return which triangle each coarse pixel lies in; -1 outside all. The larger of two neighbours wins."""
        owner = np.full((len(self._steps),) * 2, -1, np.int32)
        fixed = np.round((corners - (COARSE - 1) / 2) / COARSE * 2**FIXED_POINT_BITS).astype(np.int32)
        for triangle in np.argsort(areas, kind="stable"):
            if areas[triangle] > MIN_AREA_PX:
                cv2.fillConvexPoly(owner, fixed[triangle], int(triangle), shift=FIXED_POINT_BITS)
        return owner

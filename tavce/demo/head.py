"""A head that opens its mouth, blinks and turns, made of one portrait; its landmarks are known exactly.

The portrait's points, and helpers around them (forehead, a collar around the jaw, the picture's rim), are the
corners of a triangle mesh. Lips, jaw and lids are moved in the portrait's plane, then the head is turned in three
dimensions with the mean face's depth, and the picture follows. Mouth cavity and teeth are painted.
Shapes: V mesh points = 68 landmarks + 4 forehead + 17 collar + 16 rim; pixels x right, y down.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from tavce.demo.mouth import hide_teeth, paint_mouth
from tavce.demo.portrait import JAW_ENDS, NOSE_TIP, SIDE, Portrait
from tavce.demo.warp import Warp
from tavce.faces.mean_face import EULER, MEAN_FACE
from tavce.faces.points import (
    JAW,
    LOWER_INNER_LIP,
    LOWER_LIDS,
    POINTS,
    UPPER_INNER_LIP,
    UPPER_LIDS,
    inter_ocular,
)

FOREHEAD_RISE = ((17, 0.33), (19, 0.50), (24, 0.50), (26, 0.33))  # above this point, in face widths
COLLAR_REACH = 0.35  # of the way from the nose through the jaw, beyond it
COLLAR_FOLLOWS = 0.55  # share of the head's turn that the collar makes
FOREHEAD, COLLAR = slice(68, 72), slice(72, 89)
FOREHEAD_DEPTH = 0.25  # inter-ocular distances behind the brows' inner ends
CHIN = 8

FULL_OPENING = 0.17  # travel of the lower lip at opening 1, in face widths
UPPER_SHARE, CORNER_SHARE, JAW_SHARE = 0.06, 0.28, 0.90  # of that travel
LID_TRAVEL = 0.92  # a full blink closes this share of the eye

MOUTH_CORNERS = (48, 54, 60, 64)
UPPER_LIP = (49, 50, 51, 52, 53, *UPPER_INNER_LIP)
LOWER_OUTER_LIP = (55, 56, 57, 58, 59)
LOWER_LIP = (*LOWER_OUTER_LIP, *LOWER_INNER_LIP)


@dataclass(frozen=True)
class Expression:
    """What a head does in one frame."""

    opening: float = 0.0  # of the mouth, 0..1
    spread: float = 0.0  # of the lips, -1 (rounded) .. 1 (wide)
    blink: float = 0.0  # 0 open .. 1 closed
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)  # pitch, yaw, roll from the portrait's own pose, radians


class Head:
    """A portrait cropped to SIDE x SIDE, ready to be moved."""

    def __init__(self, portrait: Portrait):
        self._picture = hide_teeth(portrait)
        self._rest = mesh_points(portrait.landmarks)
        self._width = float(np.linalg.norm(np.subtract(*portrait.landmarks[list(JAW_ENDS)])))
        self._depth = _depths(portrait.landmarks)
        upper, lower = portrait.landmarks[list(UPPER_INNER_LIP)], portrait.landmarks[list(LOWER_INNER_LIP)]
        self._smile_gap = max(0.0, float((lower - upper)[:, 1].mean()))  # a smile's parted lips: closed at rest
        self._warp = Warp(self._rest, SIDE)

    def frame(self, expression: Expression) -> tuple[np.ndarray, np.ndarray]:
        """Return the picture uint8 [SIDE, SIDE, 3] RGB and the landmarks float32 [68, 2] px."""
        points = self._rest.copy()
        self._speak(points, expression.opening, expression.spread)
        upper, lower = list(UPPER_LIDS), list(LOWER_LIDS)
        points[upper] += LID_TRAVEL * expression.blink * (points[lower] - points[upper])
        self._turn(points, expression.rotation)
        picture = self._warp(self._picture, points)
        paint_mouth(picture, points[:POINTS], self._width)
        return picture, points[:POINTS].astype(np.float32)

    def _speak(self, points: np.ndarray, opening: float, spread: float) -> None:
        """Move lips and jaw [V, 2] in place."""
        travel = FULL_OPENING * opening * self._width
        middle = self._rest[62, 0]
        aside = self._rest[:, 0] - middle
        central = np.clip(1 - np.abs(aside) / (0.30 * self._width), 0, 1)
        corners, upper, lower = list(MOUTH_CORNERS), list(UPPER_LIP), list(LOWER_LIP)

        points[corners, 1] += CORNER_SHARE * travel
        points[corners, 0] += np.sign(aside[corners]) * (0.035 * spread - 0.03 * opening) * self._width
        points[upper, 1] -= UPPER_SHARE * travel * central[upper]
        points[lower, 1] += travel * (0.45 + 0.55 * central[lower])
        lips = upper + lower
        points[lips, 0] += aside[lips] * (0.12 * spread - 0.10 * opening)

        closing = 0.95 * self._smile_gap * max(0.0, 1 - 2 * opening)
        points[list(LOWER_INNER_LIP), 1] -= closing
        points[list(LOWER_OUTER_LIP), 1] -= 0.8 * closing
        bell = np.exp(-(((np.arange(17) - CHIN) / 3.5) ** 2))
        points[JAW, 1] += JAW_SHARE * travel * bell
        points[COLLAR, 1] += JAW_SHARE / 2 * travel * bell

    def _turn(self, points: np.ndarray, rotation: tuple[float, float, float]) -> None:
        """Turn the head's points [V, 2] in place, about the neck: below the ears, at the jaw's depth."""
        matrix = Rotation.from_euler(EULER, rotation[::-1]).as_matrix()
        moving = slice(0, COLLAR.stop)
        pivot = np.append(self._rest[CHIN], self._depth[list(JAW_ENDS)].mean())
        solid = np.column_stack([points[moving], self._depth]) - pivot
        shift = solid @ matrix[:2].T - solid[:, :2]
        shift[COLLAR] *= COLLAR_FOLLOWS
        points[moving] += shift


def mesh_points(landmarks: np.ndarray) -> np.ndarray:
    """Return the corners [V, 2] of a head's mesh, kept inside the picture: landmarks, forehead, collar, rim."""
    width = np.linalg.norm(np.subtract(*landmarks[list(JAW_ENDS)]))
    forehead = [landmarks[point] - (0, rise * width) for point, rise in FOREHEAD_RISE]
    collar = landmarks[JAW] + (landmarks[JAW] - landmarks[NOSE_TIP]) * COLLAR_REACH
    inner = np.clip(np.concatenate([landmarks, forehead, collar]), 1, SIDE - 2)
    steps = np.linspace(0, SIDE - 1, 5)
    rim = [(x, y) for x in steps for y in steps if x in (0, SIDE - 1) or y in (0, SIDE - 1)]
    return np.concatenate([inner, rim])


def _depths(landmarks: np.ndarray) -> np.ndarray:
    """Return the depth [89] in px, away from the camera, of landmarks, forehead and collar."""
    unit = inter_ocular(landmarks)
    jaw = MEAN_FACE[JAW, 2]
    return unit * np.concatenate([MEAN_FACE[:, 2], np.full(4, MEAN_FACE[21, 2] + FOREHEAD_DEPTH), jaw])

"""Fictional speakers: eight looks varied from the one portrait, each with a voice of its own.

Shapes: landmarks [68, 2] px. All lengths are relative to the face.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from tavce.demo.head import Head, mesh_points
from tavce.demo.portrait import JAW_ENDS, NOSE_TIP, SIDE, Portrait, crop_head, load_portrait
from tavce.demo.warp import Warp
from tavce.faces.points import BROWS, EYES, JAW, MIRRORED, MOUTH, POINTS

WIDTHS = 2.05  # of the finished crop, in face widths
LOOK_SEED = 100

# An outer lip point and the inner one it lies over: a lip's thickness is the distance of the two.
LIPS = ((49, 61), (50, 61), (51, 62), (52, 63), (53, 63), (55, 65), (56, 66), (57, 66), (58, 67), (59, 67))
NOSTRILS = slice(31, 36)


@dataclass(frozen=True)
class Look:
    """How a speaker differs from the portrait: relative changes of shape, colour gains, gamma."""

    jaw_width: float
    lower_face: float
    mouth_width: float
    mouth_drop: float
    lip_thickness: float
    eye_distance: float
    brow_drop: float
    nose_width: float
    gains: tuple[float, float, float]  # red, green, blue: brightness times a shift from cold to warm
    gamma: float
    mirrored: bool


def look_of(speaker: int) -> Look:
    """Return the look of a speaker; the same number always looks the same. Odd speakers are mirrored."""
    random = np.random.default_rng(LOOK_SEED + speaker)
    brightness, warmth = random.uniform(0.80, 1.20), random.uniform(-0.13, 0.13)
    return Look(
        jaw_width=random.uniform(-0.10, 0.10),
        lower_face=random.uniform(-0.07, 0.08),
        mouth_width=random.uniform(-0.12, 0.15),
        mouth_drop=random.uniform(-0.03, 0.03),
        lip_thickness=random.uniform(-0.25, 0.45),
        eye_distance=random.uniform(-0.06, 0.06),
        brow_drop=random.uniform(-0.03, 0.02),
        nose_width=random.uniform(-0.12, 0.12),
        gains=(brightness * (1 + warmth), brightness, brightness * (1 - warmth)),
        gamma=random.uniform(0.75, 1.35),
        mirrored=speaker % 2 == 1,
    )


@cache
def head_of(speaker: int) -> Head:
    """Return a speaker's head."""
    return Head(portrait_of(look_of(speaker)))


def portrait_of(look: Look) -> Portrait:
    """Return the portrait, SIDE px, of a look."""
    base = crop_head(load_portrait(), WIDTHS)
    landmarks = reshaped(base.landmarks, look)
    rest, moved = mesh_points(base.landmarks), mesh_points(landmarks)
    picture = Warp(rest, SIDE)(base.picture, moved)
    landmarks = moved[:POINTS]
    if look.mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
        landmarks = ((SIDE - 1, 0) + landmarks * (-1, 1))[list(MIRRORED)]
    return Portrait(recoloured(picture, look), landmarks)


def reshaped(landmarks: np.ndarray, look: Look) -> np.ndarray:
    """Return the landmarks of the portrait's face in a look's proportions."""
    moved = landmarks.copy()
    nose, mouth = landmarks[NOSE_TIP], landmarks[MOUTH].mean(axis=0)
    width = np.linalg.norm(np.subtract(*landmarks[list(JAW_ENDS)]))
    below = np.maximum(landmarks[JAW, 1] - nose[1], 0)
    moved[JAW, 0] += (landmarks[JAW, 0] - nose[0]) * look.jaw_width
    moved[JAW, 1] += below * look.lower_face
    moved[MOUTH, 0] += (landmarks[MOUTH, 0] - mouth[0]) * look.mouth_width
    moved[MOUTH, 1] += look.mouth_drop * width
    for outer, inner in LIPS:
        moved[outer, 1] += (landmarks[outer, 1] - landmarks[inner, 1]) * look.lip_thickness
    moved[EYES, 0] += (landmarks[EYES, 0] - nose[0]) * look.eye_distance
    moved[BROWS, 1] += look.brow_drop * width
    moved[NOSTRILS, 0] += (landmarks[NOSTRILS, 0] - nose[0]) * look.nose_width
    return moved


def recoloured(picture: np.ndarray, look: Look) -> np.ndarray:
    """Return the picture with a look's colour gains and gamma."""
    levels = np.arange(256)[:, None] / 255 * np.array(look.gains)
    table = np.round(255 * np.clip(levels, 0, 1) ** look.gamma).astype(np.uint8)
    return cv2.LUT(picture, table.reshape(1, 256, 3))

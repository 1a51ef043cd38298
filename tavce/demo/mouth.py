"""Paint what is seen between open lips: a dark cavity, the tongue, the upper teeth.

Shapes: H × W picture; landmarks [68, 2] px; lengths are fractions of the face's width.
"""

import cv2
import numpy as np

from tavce.demo.portrait import Portrait
from tavce.faces.points import INNER_MOUTH, LOWER_INNER_LIP, OUTER_MOUTH, UPPER_INNER_LIP

CAVITY_RGB, TONGUE_RGB, TEETH_RGB = (
    np.array(rgb, np.float32) for rgb in ((46, 20, 20), (140, 62, 62), (236, 228, 216))
)
TEETH_DROP, TEETH_HALF_HEIGHT = 0.014, 0.026
MAX_TEETH_SHARE = 0.5  # of the widest gap
MIN_GAP_PX = 0.5
SHUT_LIPS_SHADE = 0.55  # of the lips' mean colour
SUBPIXEL_BITS = 4
CURVE = np.linspace(0, 1, 6, endpoint=False)[:, None]


def hide_teeth(portrait: Portrait) -> np.ndarray:
    """Return a copy of the picture with the shade of shut lips between the lips, where a smile shows teeth."""
    picture = portrait.picture.copy()
    columns, rows = np.round(portrait.landmarks[OUTER_MOUTH]).astype(int).T
    shade = picture[rows, columns].mean(axis=0) * SHUT_LIPS_SHADE
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(portrait.landmarks[INNER_MOUTH]).astype(np.int32)], 255)
    cover = cv2.GaussianBlur(cv2.dilate(mask, np.ones((3, 3), np.uint8)), (0, 0), 1.0)[..., None] / 255
    return (picture * (1 - cover) + shade * cover).astype(np.uint8)


def paint_mouth(picture: np.ndarray, landmarks: np.ndarray, width_px: float) -> None:
    """Paint into the picture uint8 [H, W, 3], where the inner lips are apart."""
    gap_px = (landmarks[list(LOWER_INNER_LIP)] - landmarks[list(UPPER_INNER_LIP)])[:, 1].mean()
    if gap_px < MIN_GAP_PX:
        return
    outline = _smooth_loop(landmarks[INNER_MOUTH])
    height, width = picture.shape[:2]
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 4, 0)
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 5, (width, height))
    region = picture[top:bottom, left:right]
    mask = np.zeros(region.shape[:2], np.uint8)
    corners = np.round((outline - (left, top)) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, lineType=cv2.LINE_AA, shift=SUBPIXEL_BITS)
    cover = cv2.GaussianBlur(mask, (0, 0), 0.9)[..., None] / np.float32(255)
    inside = _cavity(outline, (left, top, right, bottom), width_px)
    region[:] = np.clip(region * (1 - cover) + inside * cover, 0, 255).astype(np.uint8)


def _cavity(outline: np.ndarray, box: tuple[int, int, int, int], width_px: float) -> np.ndarray:
    """Return the colours float32 [h, w, 3] in the box (left, top, right, bottom) around the outline."""
    left, top, right, bottom = box
    x, y = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    half = len(outline) // 2
    upper, lower = outline[: half + 1], np.concatenate([outline[half:], outline[:1]])[::-1]
    upper_y = np.interp(x[0], *upper.T).astype(np.float32)
    lower_y = np.interp(x[0], *lower.T).astype(np.float32)
    depth = np.clip((y - upper_y) / np.maximum(lower_y - upper_y, 1), 0, 1)
    middle, half_width = (outline[0, 0] + outline[half, 0]) / 2, max((outline[half, 0] - outline[0, 0]) / 2, 1.0)
    aside = np.clip(1 - np.abs(x - middle) / half_width, 0, 1)
    tongue = np.clip((depth - 0.55) * 2.2, 0, 1) * np.minimum(aside * 2, 1)
    tall = np.minimum((lower_y - upper_y).max() * MAX_TEETH_SHARE, 2 * TEETH_HALF_HEIGHT * width_px)
    off_teeth = np.abs(y - upper_y - TEETH_DROP * width_px) / max(tall / 2, 1.0)
    teeth = np.clip((1 - off_teeth) * 3, 0, 1) * np.minimum(aside * 2.5, 1) * 0.85
    colours = CAVITY_RGB + (TONGUE_RGB - CAVITY_RGB) * tongue[..., None]
    return colours + (TEETH_RGB - colours) * teeth[..., None]


def _smooth_loop(points: np.ndarray) -> np.ndarray:
    """Return a closed Catmull-Rom curve [6 P, 2] through the points [P, 2]."""
    before, after, next_after = (np.roll(points, shift, axis=0) for shift in (1, -1, -2))
    slope, next_slope = (after - before) / 2, (next_after - points) / 2
    t = CURVE
    pieces = [
        (2 * t**3 - 3 * t**2 + 1) * points[i]
        + (t**3 - 2 * t**2 + t) * slope[i]
        + (3 * t**2 - 2 * t**3) * after[i]
        + (t**3 - t**2) * next_slope[i]
        for i in range(len(points))
    ]
    return np.concatenate(pieces)

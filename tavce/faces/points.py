"""The 68-point face scheme of iBUG 300-W, and the measures of a face that follow from it.

Points are in picture order: "left" is the left side of the picture, which is the person's right.
Shapes: `...` any leading axes; landmarks are [..., 68, 2] x, y in any unit; NaN in, NaN out.
Source  C. Sagonas et al., 300 Faces in-the-Wild (2013), for the order of the points.
"""

import numpy as np

POINTS = 68
JAW = slice(0, 17)
BROWS = slice(17, 27)
NOSE = slice(27, 36)
EYES = slice(36, 48)
MOUTH = slice(48, 68)
OUTER_MOUTH = slice(48, 60)
INNER_MOUTH = slice(60, 68)

OUTER_EYE_CORNERS = (36, 45)
UPPER_INNER_LIP = (61, 62, 63)
LOWER_INNER_LIP = (67, 66, 65)
UPPER_LIDS = (37, 38, 43, 44)
LOWER_LIDS = (41, 40, 47, 46)

# The same points after a left-right flip of the picture: flipped = landmarks[..., MIRRORED, :].
MIRRORED = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)

# The vertex of MediaPipe's 468-vertex mesh that lies nearest to each point. The jaw differs by definition:
# the mesh follows the face's rim in three dimensions, the scheme its outline in the picture.
FACEMESH_TO_68 = (
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)


def inter_ocular(landmarks: np.ndarray) -> np.ndarray:
    """Return the distance of the outer eye corners [...], in the landmarks' unit."""
    left, right = (landmarks[..., corner, :] for corner in OUTER_EYE_CORNERS)
    return np.linalg.norm(right - left, axis=-1)


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Return the mean gap of the inner lips [...], as a fraction of the inter-ocular distance."""
    upper, lower = landmarks[..., UPPER_INNER_LIP, :], landmarks[..., LOWER_INNER_LIP, :]
    return np.linalg.norm(lower - upper, axis=-1).mean(-1) / inter_ocular(landmarks)


def eye_opening(landmarks: np.ndarray) -> np.ndarray:
    """Return the mean gap of the lids [...], as a fraction of the inter-ocular distance: the blink ratio."""
    upper, lower = landmarks[..., UPPER_LIDS, :], landmarks[..., LOWER_LIDS, :]
    return np.linalg.norm(lower - upper, axis=-1).mean(-1) / inter_ocular(landmarks)


def mouth_motion(landmarks: np.ndarray) -> float:
    """Return how far the mouth [T, 68, 2] opens and closes: its opening's range, but for 5 % of frames at each end.

    A still picture, encoded as a video, has 0.002; people who talk have 0.1 to 0.25. NaN without any landmarks.
    """
    opening = mouth_opening(landmarks)
    opening = opening[np.isfinite(opening)]
    return float(np.subtract(*np.percentile(opening, [95, 5]))) if len(opening) else float("nan")


def mouth_centre(landmarks: np.ndarray) -> np.ndarray:
    """Return the median of the 20 mouth points [..., 2], in the landmarks' unit."""
    return np.median(landmarks[..., MOUTH, :], axis=-2)


def mouth_box(landmarks_px: np.ndarray, box_px: int, side_px: int) -> tuple[int, int]:
    """Return left, top of the box of `box_px` around the mouth of one face [68, 2], kept inside a crop of `side_px`.

    Source: the released code; the centre is the median of the 20 mouth points.
    """
    corner = np.clip(np.round(mouth_centre(landmarks_px) - box_px / 2), 0, side_px - box_px)
    return int(corner[0]), int(corner[1])

"""The 224 px crop that Deep3DFaceRecon looks at: the face at one size in its middle, its tilt kept.

The camera is weak-perspective: five points in the picture are an affine map of five standard points, by least squares
(POS of D. DeMenthon and L. Davis, 1995). The map's mean row length sets the scale, the image of the standard origin the
middle of the crop; its rotation is left in the picture, for the network to measure. What lies outside is black.
The release does the same with y pointing up (it flips the landmarks, not the picture) and rounds to whole pixels.
Shapes: `...` any leading axes; pixels x right, y down; points x right, y down, z away from the camera.
"""

from pathlib import Path

import cv2
import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from tavce.faces.mean_face import MEAN_FACE
from tavce.records import InputError

SIDE = 224
UNIT_PX = 102  # of the standard points in the crop: the release's `rescale_factor`

# Where the release's standard face has its eyes, in its own unit, about a decimetre.
EYE_DISTANCE = 0.621
EYES_FROM_ORIGIN = (0.0, -0.290, -0.133)


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Return left eye, right eye, nose tip, left and right mouth corner [..., 5, D] of landmarks [..., 68, D].

    An eye is the middle of its corners.
    """
    left, right = (landmarks[..., corners, :].mean(axis=-2) for corners in ([36, 39], [42, 45]))
    return np.stack([left, right, *np.moveaxis(landmarks[..., [30, 48, 54], :], -2, 0)], axis=-2)


def standard_points(path: Path | None) -> np.ndarray:
    """Return the five standard points float64 [5, 3], in the release's unit.

    Args:
        path: `similarity_Lm3D_all.mat` of the release; without it, MEAN_FACE takes its place, its eyes where the
            release's are.

    Raises:
        InputError: the file is another.
    """
    if path is None:
        points = five_points(MEAN_FACE)
        eyes = points[:2]
        unit = EYE_DISTANCE / np.linalg.norm(eyes[1] - eyes[0])
        return (points - eyes.mean(axis=0)) * unit + EYES_FROM_ORIGIN
    try:
        landmarks = np.asarray(loadmat(path)["lm"], float)
    except (KeyError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise InputError(f"{path} has no landmarks 'lm': place the release's file, or remove this one") from error
    if landmarks.shape != (68, 3):
        raise InputError(f"{path}: 'lm' is {landmarks.shape}, not (68, 3): place the release's file, or remove this")
    return five_points(landmarks) * (1, -1, -1)


def to_crop(landmarks: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """Return what brings a picture's pixels into the crop, float64 [..., 2, 3], of landmarks [..., 68, 2] px.

    Args:
        landmarks: a face; a NaN makes its map NaN.
        standard: `standard_points`.
    """
    camera = np.linalg.pinv(np.column_stack([standard, np.ones(5)])) @ five_points(landmarks)
    scale = UNIT_PX / np.linalg.norm(camera[..., :3, :], axis=-2).mean(axis=-1)[..., None, None]
    shift = (SIDE - 1) / 2 - scale[..., 0] * camera[..., 3, :]
    return np.concatenate([scale * np.eye(2), shift[..., None]], axis=-1)


def aligned(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the crop uint8 [224, 224, 3] of a picture uint8 [H, W, 3], by a map of `to_crop`."""
    scale, matrix = matrix[0, 0], matrix.copy()
    if scale < 1:  # averaged first: a warp picks single pixels
        height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
        ratio = np.array([picture.shape[1] / width, picture.shape[0] / height])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        matrix[:, 2] += scale * (ratio - 1) / 2  # a pixel's middle lies half a pixel in
        matrix[:, :2] *= ratio
    return cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC)

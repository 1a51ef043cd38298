"""Find a face in a picture, cut it out as the training's crops are cut, and measure its motion coefficients.

Reads   the picture, the sections `detect`, `crop` and `motion` of the model, and its expression basis
Gives   the crop, the coefficients and the eye opening that the networks start from, and where the crop lies
The face is seen as the stage `detect` sees a clip of one frame, cut out as `crop` cuts it, measured as `motion` does.
Shapes: S side of the crop, H × W pixels of the picture, N motion coefficients, F faces.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tavce.animate.finding import FoundFaces, find_faces
from tavce.config.data import Crop, Detect, Motion
from tavce.data.coefficients import load_network
from tavce.dataset import resized
from tavce.faces.basis import LANDMARKS, ExpressionBasis
from tavce.faces.cutout import Cutout
from tavce.faces.points import eye_opening
from tavce.faces.recipes import LEFT_EYE, RIGHT_EYE, Cut, FollowedFace, plan_cut
from tavce.records import ClipError, InputError

log = logging.getLogger(__name__)

MOST_TILT_DEG = 30  # of the eye line in a level crop, before a warning


@dataclass(frozen=True)
class CroppedPortrait:
    """A face cut out of its picture."""

    picture: np.ndarray  # uint8 [S, S, 3] RGB
    coefficients: np.ndarray  # float32 [N]: expression, rotation, translation
    blink: float  # eye opening, fraction of the inter-ocular distance
    to_crop: np.ndarray  # float64 [2, 3], from the full picture's pixels to those of `picture`; centres are whole
    full: np.ndarray  # uint8 [H, W, 3] RGB, the picture as it was given
    faces: int  # in the picture


def crop_portrait(
    full: np.ndarray, sections: Mapping[str, Any], basis: ExpressionBasis | None, image_px: int, face: int | None = None
) -> CroppedPortrait:
    """Return a face of a picture uint8 [H, W, 3] RGB, ready for a renderer of `image_px`.

    Args:
        full: the picture, upright (`tavce.animate.picture.read_picture`).
        sections: the model's settings: `detect`, `crop`, `motion`.
        basis: the model's; None where `motion.backend` needs none.
        image_px: side of what the renderer takes.
        face: which, counted from 0, the largest first; None is the largest.

    Raises:
        InputError: there is no face, or none of that number; it is smaller than `detect.min_face_px`, or its crop lies
            further outside the picture than `crop.max_outside`; the back-end's weights are missing or do not fit.
    """
    crop: Crop = sections["crop"]
    found = find_faces(full, sections["detect"])
    index = _chosen(found, face, sections["detect"])
    cut = _cut(full, found, index, crop)
    landmarks = cut.landmarks(found.landmarks_px[index : index + 1])
    picture = Cutout(cut.to_crop, crop.size_px)(full)
    coefficients = _coefficients(picture, landmarks, sections["motion"], basis)
    _warn(cut, landmarks[0], crop, image_px)
    scale = image_px / crop.size_px
    to_crop = cut.to_crop * scale
    to_crop[:, 2] += (scale - 1) / 2  # a pixel's centre lies half a pixel in
    blink = float(eye_opening(landmarks[0]))
    return CroppedPortrait(resized(picture, image_px), coefficients, blink, to_crop, full, len(found.boxes_px))


def _chosen(found: FoundFaces, face: int | None, settings: Detect) -> int:
    """Return which face is meant.

    Raises:
        InputError: there is none, or none of that number, or it is too small.
    """
    count = len(found.boxes_px)
    if not count:
        raise InputError(
            "no face was found in the picture: use one with an upright face, seen from the front, not hidden and not"
            " tiny"
        )
    index = face or 0
    if not 0 <= index < count:
        raise InputError(f"face {index} is asked for, the picture has {count}: counted from 0, the largest first")
    if count > 1:
        places = (
            f"{n} at x {box[0]:.0f}, y {box[1]:.0f}, {box[2] - box[0]:.0f} px wide"
            for n, box in enumerate(found.boxes_px)
        )
        log.warning("%d faces were found (%s): face %d is taken", count, "; ".join(places), index)
    side_px = float(found.sides_px[index])
    if side_px < settings.min_face_px:
        raise InputError(
            f"the face has {side_px:.0f} px, detect.min_face_px is {settings.min_face_px:.0f}: use a picture"
            " in which it is larger"
        )
    return index


def _cut(full: np.ndarray, found: FoundFaces, index: int, settings: Crop) -> Cut:
    """Return the square that the recipe cuts out of a clip of this one frame; small ones are enlarged."""
    one = slice(index, index + 1)
    face = FollowedFace(found.boxes_px[one], found.landmarks_px[one], (full.shape[1], full.shape[0]))
    try:
        return plan_cut(face, settings.model_copy(update={"min_side_px": 0}), min_frames=1)
    except ClipError as error:
        raise InputError(
            f"the face is too near to the picture's border: {error.detail}; use one with more around it"
        ) from error


def _warn(cut: Cut, landmarks: np.ndarray, settings: Crop, image_px: int) -> None:
    """Say what will make a poor video of the face, landmarks [68, 2] in the crop."""
    if cut.side_px < image_px:
        log.warning("the face is small: its crop of %.0f px is enlarged to %d px and blurred", cut.side_px, image_px)
    across, down = landmarks[RIGHT_EYE].mean(axis=0) - landmarks[LEFT_EYE].mean(axis=0)
    tilt_deg = float(np.degrees(np.arctan2(down, across)))
    if abs(tilt_deg) > MOST_TILT_DEG:
        log.warning("the face is turned by %.0f degrees in crop.recipe %s: turn the picture", tilt_deg, settings.recipe)


def _coefficients(
    picture: np.ndarray, landmarks: np.ndarray, settings: Motion, basis: ExpressionBasis | None
) -> np.ndarray:
    """Return the motion coefficients float32 [N] of a crop and its landmarks [1, 68, 2].

    Raises:
        InputError: the basis is missing or of another backend, the weights are missing, or the head has no pose.
    """
    network = load_network(settings)
    backend = network.name if network else LANDMARKS
    if basis is None and network is None:
        raise InputError("the model has no expression basis, motion.backend landmarks needs it: pack the model anew")
    if basis is not None and basis.backend != backend:
        raise InputError(f"the model was trained on coefficients of {basis.backend}, these are of {backend}")
    motion = network([picture], landmarks) if network else basis.motion(landmarks, len(picture))
    if not np.isfinite(motion).all():
        raise InputError("the face has no head pose: use a picture in which it is seen from the front")
    return motion[0]

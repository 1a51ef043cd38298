"""Landmarks of generated and real faces: found by one detector, made whole, and how far apart they lie.

Shapes: T frames; landmarks float32 [T, 68, 2] px, a frame without a face is NaN.
"""

import itertools
from collections.abc import Iterable, Iterator
from functools import cache

import cv2
import numpy as np

from tavce.faces.backend import Face
from tavce.faces.facemesh import FaceMesh
from tavce.faces.points import MOUTH, POINTS, inter_ocular
from tavce.faces.smoothing import bridge
from tavce.measure.measurements import MeasurementError

SCORED = slice(17, POINTS)  # without the jaw, which FaceMesh defines otherwise than the 68-point scheme
MIN_SIDE_PX = 256  # smaller frames are enlarged before detection
MIN_SCORE = 0.5  # FaceMesh's belief below which a frame has no face
CHUNK = 32  # frames enlarged at once


def lmd(reference: np.ndarray, generated: np.ndarray, points: slice, centred: bool) -> float:
    """Return the landmark distance: 0 (same) to ∞, lower is better, in inter-ocular distances.

    The mean Euclidean distance of some points, divided frame by frame by the distance of the reference's outer eye
    corners. Nothing is aligned; but where they are `centred`, the points' mean is taken off in every frame of both
    videos, so that their shape counts and not their place (for the mouth: EAT's test_lmd). Frames that are NaN in
    either are left out.

    Raises:
        ValueError: the two are not [T, 68, 2] of one length.
        MeasurementError: no frame has landmarks in both.
    """
    if reference.shape != generated.shape or reference.shape[1:] != (POINTS, 2):
        raise ValueError(f"landmarks of shape {reference.shape} and {generated.shape}: both must be [T, 68, 2]")
    seen = found(reference) & found(generated)
    if not seen.any():
        raise MeasurementError("no frame has landmarks in both videos")
    apart = (reference[seen, points] - generated[seen, points]).astype(np.float64)
    if centred:
        apart -= apart.mean(axis=1, keepdims=True)
    return float((np.linalg.norm(apart, axis=-1).mean(axis=-1) / inter_ocular(reference[seen])).mean())


def found(landmarks: np.ndarray) -> np.ndarray:
    """Return which frames [T] of [T, 68, 2] have landmarks."""
    return np.isfinite(landmarks).all(axis=(1, 2))


def filled(landmarks: np.ndarray) -> np.ndarray:
    """Return landmarks float32 [T, 68, 2] of which every frame has some: gaps are bridged in a straight line over time.

    Before the first and after the last frame with a face it is the nearest one's.

    Raises:
        ValueError: no frame has landmarks.
    """
    seen = np.flatnonzero(found(landmarks))
    if not len(seen):
        raise ValueError("no frame has landmarks")
    return bridge(seen, landmarks[seen], np.arange(len(landmarks)))


def mouth_place(landmarks: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return where the mouth is, float32 [4]: left, top, right, bottom as fractions of the picture.

    The median over frames of the smallest box around the 20 mouth points, cut off at the picture's edges.

    Args:
        landmarks: [T, 68, 2] px, in pictures of this width and height.

    Raises:
        MeasurementError: no frame has landmarks.
    """
    mouths = landmarks[found(landmarks), MOUTH]
    if not len(mouths):
        raise MeasurementError("no frame has landmarks")
    corners = np.concatenate([np.median(mouths.min(axis=1), axis=0), np.median(mouths.max(axis=1), axis=0)])
    return np.clip((corners + 0.5) / [width, height, width, height], 0, 1).astype(np.float32)


def detect_landmarks(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Return FaceMesh's landmarks float32 [T, 68, 2] px of the largest face in each frame; NaN where none is.

    Args:
        frames: uint8 [H, W, 3] RGB, all of one size. Below 256 px they are enlarged for the detector; the
            landmarks are in the pixels of the frames as given.
    """
    rows = [_detect_chunk(chunk) for chunk in _chunks(frames)]
    return np.concatenate(rows) if rows else np.zeros((0, POINTS, 2), np.float32)


@cache
def _detector() -> FaceMesh:
    return FaceMesh()


def _chunks(frames: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
    frames = iter(frames)
    while chunk := list(itertools.islice(frames, CHUNK)):
        yield chunk


def _detect_chunk(frames: list[np.ndarray]) -> np.ndarray:
    height, width = frames[0].shape[:2]
    scale = max(1.0, MIN_SIDE_PX / min(height, width))
    size = (round(width * scale), round(height * scale))
    if scale > 1:
        frames = [cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames]
    landmarks = np.full((len(frames), POINTS, 2), np.nan, np.float32)
    faces = {index: max(seen, key=_area_px) for index, seen in enumerate(_detector().detect(frames)) if seen}
    if faces:
        points, scores, _ = _detector().landmarks([frames[index] for index in faces], [*faces.values()])
        sure = scores >= MIN_SCORE
        landmarks[np.array([*faces])[sure]] = points[sure]
    factors = np.array([size[0] / width, size[1] / height], np.float32)
    return (landmarks + 0.5) / factors - 0.5  # pixel centres lie at whole numbers


def _area_px(face: Face) -> float:
    left, top, right, bottom = face.box_px
    return (right - left) * (bottom - top)

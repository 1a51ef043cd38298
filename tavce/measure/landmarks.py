"""How far the generated face's landmarks lie from the real ones.

Shapes: T frames; landmarks float32 [T, 68, 2] px, a frame without a face is NaN.
"""

import itertools
from collections.abc import Iterable, Iterator
from functools import cache

import cv2
import numpy as np

from tavce.faces.backend import Face
from tavce.faces.facemesh import FaceMesh
from tavce.faces.points import POINTS, inter_ocular
from tavce.measure.metrics import MeasurementError

SCORED = slice(17, POINTS)  # without the jaw, which FaceMesh defines otherwise than the 68-point scheme
MIN_SIDE_PX = 256  # smaller frames are enlarged before detection
MIN_SCORE = 0.5  # FaceMesh's belief below which a frame has no face
CHUNK = 32  # frames enlarged at once


def lmd(reference: np.ndarray, generated: np.ndarray) -> float:
    """Return the landmark distance: 0 (same) to ∞, lower is better, in inter-ocular distances.

    The mean Euclidean distance of points 17–67, divided frame by frame by the distance of the reference's outer eye
    corners; no alignment. Frames that are NaN in either are left out.

    Raises:
        ValueError: the two are not [T, 68, 2] of one length.
        MeasurementError: no frame has landmarks in both.
    """
    if reference.shape != generated.shape or reference.shape[1:] != (POINTS, 2):
        raise ValueError(f"landmarks of shape {reference.shape} and {generated.shape}: both must be [T, 68, 2]")
    seen = found(reference) & found(generated)
    if not seen.any():
        raise MeasurementError("no frame has landmarks in both videos")
    distances = np.linalg.norm(reference[seen, SCORED] - generated[seen, SCORED], axis=-1).mean(axis=-1)
    return float((distances / inter_ocular(reference[seen])).mean())


def found(landmarks: np.ndarray) -> np.ndarray:
    """Return which frames [T] of [T, 68, 2] have landmarks."""
    return np.isfinite(landmarks).all(axis=(1, 2))


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

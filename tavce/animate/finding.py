"""Find the faces of a picture of any size, with what the stage `detect` finds them with in a clip.

A picture is looked at as a clip of one frame; a large one is shrunk for it first. A face that is small in it, or was
shrunk, is looked at once more from near, where the detector places its box better and the landmarks see all its pixels.
Where no face fills much of it, others may be smaller: it is looked at in parts as well, with the back-end whose
detector sees only what is near.
Shapes: H × W pixels, F faces.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from tavce.config.data import Detect
from tavce.data.observe import Observer
from tavce.faces.backend import MissingWeightsError, open_backend
from tavce.faces.overlap import iou, share_inside
from tavce.faces.parts import squares
from tavce.records import InputError

LOOK_PX = 1920  # longer side of what faces are looked for in: the training's videos have no more
NEAR_SHARE = 0.2  # of the picture's longer side: the detector's boxes of smaller faces are loose
PARTS_SHARE = 0.25  # where the largest face is smaller, others may be there that are too small for the detector
MIN_PART_SCORE = {"facemesh": 0.95}  # of the landmarks in parts: faces have 0.99 or more, mistakes seen up to 0.88
PARTS = 2  # squares to the shorter side
NEAR_PX = 512  # side of a face that is looked at from near: the landmarks' networks see 192 to 256 px
AROUND = 1.0  # of a face's side is seen on each of its sides then
SAME = 0.5  # of what two faces take up is common: they are one


@dataclass(frozen=True)
class FoundFaces:
    """The faces of a picture, the largest first."""

    boxes_px: np.ndarray  # float32 [F, 4] left, top, right, bottom
    landmarks_px: np.ndarray  # float32 [F, 68, 2]

    @property
    def sides_px(self) -> np.ndarray:
        """The mean of each box's sides [F]."""
        return (self.boxes_px[:, 2:] - self.boxes_px[:, :2]).mean(axis=1)

    def moved(self, ratio: np.ndarray, corner: np.ndarray) -> "FoundFaces":
        """Return the faces of a part in the picture that it was cut out of at `corner` [2] and scaled by 1 / `ratio`
        [2]."""
        boxes = self.boxes_px * np.tile(ratio, 2) + np.tile(corner, 2)
        landmarks = (self.landmarks_px + 0.5) * ratio - 0.5 + corner  # pixel centres are whole, edges of boxes too
        return FoundFaces(boxes.astype(np.float32), landmarks.astype(np.float32))

    def __getitem__(self, index: int) -> "FoundFaces":
        return FoundFaces(self.boxes_px[index][None], self.landmarks_px[index][None])


def find_faces(full: np.ndarray, settings: Detect) -> FoundFaces:
    """Return the faces of a picture uint8 [H, W, 3] RGB, upright; none is no row.

    Raises:
        InputError: the back-end's weights are missing or do not fit.
    """
    try:
        see = Observer(open_backend(settings.backend), settings)
    except MissingWeightsError as error:
        raise InputError(str(error)) from error
    longer = max(full.shape[:2])
    shrunk, ratio = _shrunk(full, min(1.0, LOOK_PX / longer))
    faces = [one.moved(ratio, np.zeros(2)) for one in _see(see, shrunk)]
    near_px = np.inf if longer > LOOK_PX else NEAR_SHARE * longer
    faces = [(_from_near(see, full, face) or face) if face.sides_px[0] < near_px else face for face in faces]
    largest_px = max((face.sides_px[0] for face in faces), default=0)
    if settings.backend in MIN_PART_SCORE and largest_px < PARTS_SHARE * longer:
        sure = _stricter(see)
        parts = (one.moved(ratio, ratio * corner) for corner, part in _parts(shrunk) for one in _see(see, part))
        faces += [near for face in parts if (near := _from_near(sure, full, face))]
    return _largest_first(faces)


def _stricter(see: Observer) -> Observer:
    """Return what sees faces in parts: many parts give many chances to be wrong."""
    settings = see.settings
    least = max(settings.min_score, MIN_PART_SCORE[settings.backend])
    return Observer(see.backend, settings.model_copy(update={"min_score": least}))


def _shrunk(picture: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture at another size, and how many of its pixels are one of the result's [2], across and down."""
    if scale >= 1:
        return picture, np.ones(2)
    height, width = picture.shape[:2]
    size = np.maximum(1, np.round(np.array([width, height]) * scale)).astype(int)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.array([width, height]) / size


def _see(see: Observer, picture: np.ndarray) -> list[FoundFaces]:
    """Return every face of a picture, the largest first."""
    seen = see([picture])
    numbers = seen.frames[0]
    found = FoundFaces(seen.faces.boxes_px(numbers), seen.faces.landmarks_px(numbers))
    return [found[index] for index in np.argsort(-found.sides_px, kind="stable")]


def _parts(picture: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for left, top, part in squares(picture, PARTS):
        yield np.array([left, top]), part


def _from_near(see: Observer, full: np.ndarray, face: FoundFaces) -> FoundFaces | None:
    """Return a face as it is seen from near, around its landmarks; None where there is none."""
    points = face.landmarks_px[0]
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max())
    low = np.floor(np.clip(low - AROUND * side, 0, None)).astype(int)
    high = np.ceil(np.clip(high + AROUND * side, None, full.shape[1::-1])).astype(int)
    if (high - low).min() < 1:
        return None
    near, ratio = _shrunk(full[low[1] : high[1], low[0] : high[0]], NEAR_PX / side)
    again = [one.moved(ratio, low) for one in _see(see, near)]
    overlaps = [float(iou(_extent(one), _extent(face))) for one in again]
    best = int(np.argmax(overlaps)) if overlaps else 0
    return again[best] if overlaps and overlaps[best] > SAME else None


def _extent(face: FoundFaces) -> np.ndarray:
    """Return the box [4] around a face's landmarks."""
    points = face.landmarks_px[0]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _same(one: FoundFaces, other: FoundFaces) -> bool:
    box, other_box = _extent(one), _extent(other)
    return bool(max(share_inside(box, other_box), share_inside(other_box, box)) > SAME)


def _largest_first(faces: list[FoundFaces]) -> FoundFaces:
    """Return faces as one, each of them once."""
    kept: list[FoundFaces] = []
    for face in sorted(faces, key=lambda face: -float(face.sides_px[0])):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    if not kept:
        return FoundFaces(np.zeros((0, 4), np.float32), np.zeros((0, 68, 2), np.float32))
    return FoundFaces(
        np.concatenate([face.boxes_px for face in kept]), np.concatenate([face.landmarks_px for face in kept])
    )

"""See every face in every frame of a clip, and where one shot ends and the next begins.

The detector looks at every n-th frame (a key frame), and at those between only where the faces of two key frames are
not the same, or where one is lost on the way. The landmarks are found in every frame; between two key frames they are
looked for where the face must be on its way. Frames come as a stream, and a few are held at a time.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from tavce.config.data import Detect
from tavce.faces.backend import Backend, Face
from tavce.faces.overlap import iou
from tavce.faces.points import POINTS

NOMINAL_HZ = 25.0  # of the frame numbers given to the detector of cuts, which asks for a rate
SHOT_PX = (96, 72)  # of the frames in which cuts are looked for
BLOCK_FACES = 4096  # of an array of `Faces`
MAX_DRIFT = 0.15  # of a face from where it was looked for, in sides of its box, before it is looked for once more


class Faces:
    """Boxes, landmarks and scores of many faces, by number, in a few large arrays.

    An array for every face would cost far more than it holds: kept between the large ones that every frame takes and
    gives back, small ones leave gaps that no frame fits into (0.4 MB a frame was seen).
    """

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []
        self._count = 0

    def add(self, box_px: np.ndarray, landmarks_px: np.ndarray, score: float) -> int:
        """Keep a box [4], landmarks [68, 2] and a score, and return their number."""
        block, row = divmod(self._count, BLOCK_FACES)
        if row == 0:
            self._blocks.append(np.zeros((BLOCK_FACES, 4 + 2 * POINTS + 1), np.float32))
        self._blocks[block][row, :4] = box_px
        self._blocks[block][row, 4:-1] = np.ravel(landmarks_px)
        self._blocks[block][row, -1] = score
        self._count += 1
        return self._count - 1

    def boxes_px(self, numbers: Sequence[int]) -> np.ndarray:
        """Return boxes float32 [n, 4]: left, top, right, bottom."""
        return self._rows(numbers)[:, :4]

    def landmarks_px(self, numbers: Sequence[int]) -> np.ndarray:
        """Return landmarks float32 [n, 68, 2]."""
        return self._rows(numbers)[:, 4:-1].reshape(-1, POINTS, 2)

    def scores(self, numbers: Sequence[int]) -> np.ndarray:
        """Return scores float32 [n], 0..1."""
        return self._rows(numbers)[:, -1]

    def _rows(self, numbers: Sequence[int]) -> np.ndarray:
        rows = [self._blocks[number // BLOCK_FACES][number % BLOCK_FACES] for number in numbers]
        return np.stack(rows) if rows else np.zeros((0, 4 + 2 * POINTS + 1), np.float32)


@dataclass(frozen=True)
class Seen:
    """What is in a clip."""

    faces: Faces
    frames: list[list[int]]  # the numbers of the faces in each
    cuts: list[int]  # frames that begin a new shot
    width_px: int
    height_px: int


@dataclass(frozen=True)
class _Spot:
    """A face in a frame: the detector's box, where to look for the landmarks, and these, once they are found."""

    number: int
    box_px: np.ndarray
    face: Face
    landmarks_px: np.ndarray | None = None
    score: float = 0.0

    def towards(self, other: "_Spot", number: int) -> "_Spot":
        """Return where the face is in a frame between this one and another."""
        share = (number - self.number) / (other.number - self.number)
        box_px = (1 - share) * self.box_px + share * other.box_px
        return _Spot(number, box_px, self.face.towards(other.face, share))


@dataclass(frozen=True)
class Observer:
    """Sees clips with one back-end, one clip after the other."""

    backend: Backend
    settings: Detect

    def __call__(self, frames: Iterable[np.ndarray]) -> Seen:
        """Return what is in uint8 [H, W, 3] RGB frames, all of one size."""
        shots = AdaptiveDetector(min_scene_len=1)
        faces = Faces()
        seen: list[list[int]] = []
        cuts: list[int] = []
        height_px = width_px = 0
        last: list[_Spot] = []
        for chunk in self._chunks(frames):
            height_px, width_px = chunk[0].shape[:2]
            start = len(seen)
            for number, frame in enumerate(chunk, start):
                small = cv2.resize(frame, SHOT_PX, interpolation=cv2.INTER_NEAREST)
                cuts += [cut.frame_num for cut in shots.process_frame(FrameTimecode(number, NOMINAL_HZ), small)]
            spots = self._watch(chunk, start, last)
            last = [spot for spot in spots if spot.number == start + len(chunk) - 1]
            seen += [[] for _ in chunk]
            for spot in spots:
                seen[spot.number].append(faces.add(spot.box_px, spot.landmarks_px, spot.score))
        return Seen(faces, seen, cuts, width_px, height_px)

    def _chunks(self, frames: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """Yield the first frame, which is a key frame, and then frames up to and with a key frame."""
        frames = iter(frames)
        every = self.settings.every
        size = every * max(1, self.backend.batch // every)
        yield from ([frame] for frame in itertools.islice(frames, 1))
        while chunk := list(itertools.islice(frames, size)):
            yield chunk

    def _watch(self, chunk: list[np.ndarray], start: int, before: list[_Spot]) -> list[_Spot]:
        """Return the faces of a chunk, whose first frame has the number `start`; `before` are those just before it."""
        every = self.settings.every
        keys = sorted({*range(every - 1, len(chunk), every), len(chunk) - 1})
        spots = self._look(chunk, start, keys)
        by_key = {start - 1: before} | {start + key: [s for s in spots if s.number == start + key] for key in keys}
        between: list[_Spot] = []
        unsure: list[int] = []
        for (first, old), (second, new) in itertools.pairwise(by_key.items()):
            pairs = _same(old, new, self.settings.min_iou)
            for number in range(first + 1, second):
                between += [one.towards(other, number) for one, other in pairs or ()]
                unsure += [number - start] if pairs is None else []
        between = self._find(chunk, start, between)
        lost = {spot.number for spot in between if spot.score < self.settings.min_score}
        kept = [spot for spot in between if spot.number not in lost]
        again = self._look(chunk, start, sorted({*unsure, *(number - start for number in lost)}))
        return sorted([*spots, *kept, *again], key=lambda spot: spot.number)

    def _look(self, chunk: list[np.ndarray], start: int, places: Sequence[int]) -> list[_Spot]:
        """Return the faces that the detector finds in some frames of a chunk, and that have landmarks."""
        found = self.backend.detect([chunk[place] for place in places]) if places else []
        spots = [
            _Spot(start + place, np.asarray(face.box_px), face)
            for place, faces in zip(places, found, strict=True)
            for face in faces
        ]
        return [spot for spot in self._find(chunk, start, spots) if spot.score >= self.settings.min_score]

    def _find(self, chunk: list[np.ndarray], start: int, spots: Sequence[_Spot]) -> list[_Spot]:
        """Return faces with their landmarks; one that lies off the place it was looked for at is looked for anew."""
        if not spots:
            return []
        frames = [chunk[spot.number - start] for spot in spots]
        points, scores, faces = self.backend.landmarks(frames, [spot.face for spot in spots])
        found = [
            replace(spot, landmarks_px=landmarks, score=float(score), face=face)
            for spot, landmarks, score, face in zip(spots, points, scores, faces, strict=True)
        ]
        astray = [
            place
            for place, (spot, face) in enumerate(zip(spots, faces, strict=True))
            if spot.face.settled and _drift(spot.face, face) > MAX_DRIFT
        ]
        unsettled = [replace(spots[place], face=replace(faces[place], settled=False)) for place in astray]
        for place, spot in zip(astray, self._find(chunk, start, unsettled), strict=True):
            found[place] = spot
        return found


def _same(old: list[_Spot], new: list[_Spot], min_iou: float) -> list[tuple[_Spot, _Spot]] | None:
    """Return the pairs of the same face in two key frames; None where not every face has its like."""
    if len(old) != len(new):
        return None
    overlaps = ((float(iou(a.box_px, b.box_px)), i, j) for i, a in enumerate(old) for j, b in enumerate(new))
    pairs: dict[int, int] = {}
    for overlap, i, j in sorted(overlaps, reverse=True):
        if overlap >= min_iou and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return [(old[i], new[j]) for i, j in pairs.items()] if len(pairs) == len(old) else None


def _drift(one: Face, other: Face) -> float:
    """Return how far the centres of two boxes lie apart, in sides of the first, along the worse axis."""
    here, there = np.reshape(one.box_px, (2, 2)), np.reshape(other.box_px, (2, 2))
    return float(np.abs(there.mean(axis=0) - here.mean(axis=0)).max() / np.ptp(here[:, 0]))

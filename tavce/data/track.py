"""Follow faces from frame to frame, and choose the one that talks: the annotated one, else the largest.

Shapes: T frames. A track has one entry a frame; frames without the face hold NaN until they are filled.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tavce.records import ClipError, Reason


@dataclass(frozen=True)
class Observation:
    """One face in one frame."""

    box_px: np.ndarray  # float32 [4] left, top, right, bottom
    landmarks_px: np.ndarray  # float32 [68, 2]
    score: float


@dataclass
class Track:
    """One face through a clip: observations by frame number."""

    seen: dict[int, Observation] = field(default_factory=dict)

    def boxes_px(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the number of every frame it was seen in, and its box there."""
        return ((number, item.box_px) for number, item in self.seen.items())

    @property
    def last(self) -> int:
        """The newest frame it was seen in."""
        return next(reversed(self.seen))

    @property
    def weight(self) -> float:
        """Summed box area: large faces seen long come first."""
        return float(sum(np.prod(item.box_px[2:] - item.box_px[:2]) for item in self.seen.values()))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Return the intersection over union of two boxes [4] (left, top, right, bottom), 0..1."""
    common = _common(one, other)
    union = _area(one) + _area(other) - common
    return common / union if union > 0 else 0.0


def share_inside(one: np.ndarray, other: np.ndarray) -> float:
    """Return how much of the first box [4] lies inside the second, 0..1."""
    area = _area(one)
    return _common(one, other) / area if area > 0 else 0.0


def _area(box: np.ndarray) -> float:
    return float(np.prod(box[2:] - box[:2]))


def _common(one: np.ndarray, other: np.ndarray) -> float:
    overlap = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    return float(np.prod(overlap))


@dataclass(frozen=True)
class Annotation:
    """Where a clip's corpus has the face that talks.

    Such a box may fit the face (VoxCeleb) or hold head and shoulders (HDTF), of which a face is a fifth. So whether a
    face is the annotated one is told by how much of the face lies inside the box; which of several, by this times the
    overlap of both, since the one that the box is about fills it best and does not reach out of it.
    """

    boxes_px: np.ndarray  # float32 [T, 4]
    min_share: float  # of a face that lies inside, mean over the frames it is seen in

    def track(self, tracks: Sequence[Track]) -> Track:
        """Return the track of the annotated face.

        Raises:
            ClipError: `other_face` where no track is.
        """
        shares = [np.mean([share_inside(box, self.boxes_px[at]) for at, box in track.boxes_px()]) for track in tracks]
        inside = [track for track, share in zip(tracks, shares, strict=True) if share >= self.min_share]
        if not inside:
            raise ClipError(
                Reason.OTHER_FACE,
                f"of {len(tracks)} faces the best lies with {max(shares):.0%} of itself in the annotated box,"
                f" detect.min_annotated_share is {self.min_share:.0%}",
            )
        return max(inside, key=self._weight)

    def _weight(self, track: Track) -> float:
        boxes = [(box, self.boxes_px[at]) for at, box in track.boxes_px()]
        return sum(iou(box, annotated) * share_inside(box, annotated) for box, annotated in boxes)


def follow(frames: Sequence[Sequence[Observation]], min_iou: float, max_gap_frames: int) -> list[Track]:
    """Return the tracks of all faces: a face continues the track it overlaps best, best overlaps first."""
    tracks: list[Track] = []
    for number, faces in enumerate(frames):
        open_tracks = [track for track in tracks if number - track.last <= max_gap_frames + 1]
        pairs = sorted(
            ((iou(track.seen[track.last].box_px, face.box_px), t, f)
             for t, track in enumerate(open_tracks) for f, face in enumerate(faces)),
            reverse=True,
        )  # fmt: skip
        taken_tracks: set[int] = set()
        taken_faces: set[int] = set()
        for overlap, t, f in pairs:
            if overlap >= min_iou and t not in taken_tracks and f not in taken_faces:
                open_tracks[t].seen[number] = faces[f]
                taken_tracks.add(t)
                taken_faces.add(f)
        tracks += [Track({number: face}) for f, face in enumerate(faces) if f not in taken_faces]
    return tracks


def whole_track(
    tracks: Sequence[Track], frames: int, max_gap_frames: int, annotation: Annotation | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return boxes [T, 4], landmarks [T, 68, 2] of the face that talks, and how many frames were filled.

    That is the annotated face, or without an annotation the largest, longest one.

    Gaps of at most `max_gap_frames` are filled by interpolation, at the ends by the nearest frame.

    Raises:
        ClipError: `no_face` without any track; `other_face` without the annotated one; `face_lost` where a gap is
            longer.
    """
    if not tracks:
        raise ClipError(Reason.NO_FACE, f"no face in any of {frames} frames")
    track = annotation.track(tracks) if annotation else max(tracks, key=lambda candidate: candidate.weight)
    seen = np.array([*track.seen])
    edges = np.concatenate([[-1], seen, [frames]])
    gaps = np.diff(edges) - 1
    if gaps.max() > max_gap_frames:
        at = int(edges[gaps.argmax()]) + 1
        raise ClipError(
            Reason.FACE_LOST, f"no face for {gaps.max()} frames from frame {at}, {len(tracks)} tracks in the clip"
        )
    boxes = np.stack([item.box_px for item in track.seen.values()])
    landmarks = np.stack([item.landmarks_px for item in track.seen.values()])
    return _fill(seen, boxes, frames), _fill(seen, landmarks, frames), frames - len(seen)


def _fill(seen: np.ndarray, values: np.ndarray, frames: int) -> np.ndarray:
    flat = values.reshape(len(seen), -1)
    everywhere = np.arange(frames)
    filled = np.stack([np.interp(everywhere, seen, column) for column in flat.T], axis=1)
    return filled.reshape(frames, *values.shape[1:]).astype(np.float32)

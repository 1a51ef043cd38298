"""Follow faces from frame to frame, and choose the one that talks.

Shapes: T frames. A track has one entry a frame; frames without the face hold NaN until they are filled.
"""

from collections.abc import Sequence
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
    overlap = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    common = float(np.prod(overlap))
    union = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - common
    return common / union if union > 0 else 0.0


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


def whole_track(tracks: Sequence[Track], frames: int, max_gap_frames: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return boxes [T, 4], landmarks [T, 68, 2] of the largest, longest face, and how many frames were filled.

    Gaps of at most `max_gap_frames` are filled by interpolation, at the ends by the nearest frame.

    Raises:
        ClipError: `no_face` without any track; `face_lost` where a gap is longer.
    """
    if not tracks:
        raise ClipError(Reason.NO_FACE, f"no face in any of {frames} frames")
    track = max(tracks, key=lambda candidate: candidate.weight)
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

"""Follow faces from frame to frame, through one shot of a clip, and make one of them whole.

Shapes: T frames.
"""

from dataclasses import dataclass, field

import numpy as np

from tavce.data.observe import Seen
from tavce.faces.overlap import iou
from tavce.faces.points import inter_ocular
from tavce.faces.smoothing import bridge, smooth

STEADY = slice(17, 68)  # points whose jitter is measured: the jaw is seen least sharply


@dataclass
class Track:
    """One face through a shot: its number among the clip's faces, by frame."""

    seen: dict[int, int] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The frame it was seen in first."""
        return next(iter(self.seen))

    @property
    def last(self) -> int:
        """The newest frame it was seen in."""
        return next(reversed(self.seen))


@dataclass(frozen=True)
class Stretch:
    """A face in every frame of a part of a clip."""

    first_frame: int
    boxes_px: np.ndarray  # float32 [T, 4] left, top, right, bottom
    landmarks_px: np.ndarray  # float32 [T, 68, 2]
    filled: int  # frames without the face, which were filled
    score: float  # mean over the frames with the face

    def smoothed(self, frames: int) -> np.ndarray:
        """Return the landmarks smoothed over some frames (`smooth`)."""
        return smooth(self.landmarks_px, frames)


def jitter(landmarks: np.ndarray) -> float:
    """Return how much landmarks [T, 68, 2] shake, as a fraction of the inter-ocular distance; 0 below three frames.

    The median over frames of the mean distance of a point from the middle of its places before and after: nought for
    a face that moves evenly.
    """
    if len(landmarks) < 3:
        return 0.0
    off = landmarks[1:-1] - (landmarks[:-2] + landmarks[2:]) / 2
    shake = np.linalg.norm(off[:, STEADY], axis=-1).mean(axis=1) / inter_ocular(landmarks[1:-1])
    return float(np.median(shake))


def follow(clip: Seen, min_iou: float, max_gap_frames: int) -> list[Track]:
    """Return the tracks of all faces: a face continues the track it overlaps best, best overlaps first.

    No track goes on over a cut, or over a gap of more than `max_gap_frames`.
    """
    tracks: list[Track] = []
    cuts = {*clip.cuts}
    shot = 0
    for number, faces in enumerate(clip.frames):
        shot = number if number in cuts else shot
        going_on = [track for track in tracks if track.last >= shot and number - track.last <= max_gap_frames + 1]
        here, there = clip.faces.boxes_px(faces), clip.faces.boxes_px([track.seen[track.last] for track in going_on])
        overlaps = iou(there[:, None], here[None])
        pairs = sorted(((overlaps[t, f], t, f) for t, f in np.ndindex(overlaps.shape)), reverse=True)
        taken_tracks: set[int] = set()
        taken_faces: set[int] = set()
        for overlap, t, f in pairs:
            if overlap >= min_iou and t not in taken_tracks and f not in taken_faces:
                going_on[t].seen[number] = faces[f]
                taken_tracks.add(t)
                taken_faces.add(f)
        tracks += [Track({number: face}) for f, face in enumerate(faces) if f not in taken_faces]
    return tracks


def stretch(track: Track, clip: Seen, max_gap_frames: int) -> Stretch:
    """Return the face of a track in every frame from its first to its last.

    Gaps are filled by interpolation. Where the track begins or ends at most `max_gap_frames` from the clip's own
    begin or end, with no cut between, those frames are filled with the nearest face.
    """
    first, last, end = track.first, track.last, len(clip.frames)
    if first <= max_gap_frames and not any(0 < cut <= first for cut in clip.cuts):
        first = 0
    if end - 1 - last <= max_gap_frames and not any(last < cut < end for cut in clip.cuts):
        last = end - 1
    seen, everywhere = np.array([*track.seen]), np.arange(first, last + 1)
    numbers = [*track.seen.values()]
    boxes, landmarks = clip.faces.boxes_px(numbers), clip.faces.landmarks_px(numbers)
    score = float(clip.faces.scores(numbers).mean())
    filled = len(everywhere) - len(seen)
    return Stretch(first, bridge(seen, boxes, everywhere), bridge(seen, landmarks, everywhere), filled, score)

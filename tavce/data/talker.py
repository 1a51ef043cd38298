"""Choose, of all faces of a clip, the one that talks.

The annotated one, where the corpus says where it is; else the large one in the middle; and among several of those the
one whose mouth moves with the sound.
Shapes: T frames of the clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tavce.data.observe import Seen
from tavce.data.track import Stretch, Track
from tavce.faces.lips import best_lag
from tavce.faces.overlap import iou, share_inside
from tavce.faces.points import mouth_motion, mouth_opening
from tavce.records import ClipError, Reason

RIVAL = 0.25  # of the most prominent face, above which another may be the one that talks
EDGE = 0.5  # what a face at the picture's edge counts for, as one in its middle counts 1
STILL = 0.01  # motion of a mouth (`points.mouth_motion`) that is nothing but noise
MAX_LAG_FRAMES = 5  # between mouth and sound, that a corpus' own delay may make


@dataclass(frozen=True)
class Candidate:
    """A face that lasts long enough to be a clip."""

    track: Track
    stretch: Stretch


class Choice(Protocol):
    """How one is chosen."""

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """Return one of at least one.

        Raises:
            ClipError: none is the one.
        """


@dataclass(frozen=True)
class Annotation:
    """Where a clip's corpus has the face that talks.

    Such a box may fit the face (VoxCeleb) or hold head and shoulders (HDTF), of which a face is a fifth. So whether a
    face is the annotated one is told by how much of the face lies inside the box; which of several, by this times the
    overlap of both, since the one that the box is about fills it best and does not reach out of it.
    """

    boxes_px: np.ndarray  # float32 [T, 4]
    min_share: float  # of a face that lies inside, mean over the frames it is seen in

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """Return the annotated face.

        Raises:
            ClipError: `other_face` where no face is.
        """
        shares = [self.share(candidate.stretch) for candidate in candidates]
        inside = [one for one, share in zip(candidates, shares, strict=True) if share >= self.min_share]
        if not inside:
            raise ClipError(
                Reason.OTHER_FACE,
                f"of {len(candidates)} faces the best lies with {max(shares):.0%} of itself in the annotated box,"
                f" detect.min_annotated_share is {self.min_share:.0%}",
            )
        return max(inside, key=self._weight)

    def share(self, stretch: Stretch) -> float:
        """Return how much of a face lies inside the box, mean over its frames, 0..1."""
        return float(share_inside(stretch.boxes_px, self._beside(stretch)).mean())

    def _weight(self, candidate: Candidate) -> float:
        boxes, annotated = candidate.stretch.boxes_px, self._beside(candidate.stretch)
        return float((iou(boxes, annotated) * share_inside(boxes, annotated)).sum())

    def _beside(self, stretch: Stretch) -> np.ndarray:
        return self.boxes_px[stretch.first_frame :][: len(stretch.boxes_px)]


@dataclass(frozen=True)
class Talking:
    """Which face is prominent, and whose mouth moves with the sound."""

    loudness_db: np.ndarray  # [T]
    clip: Seen
    min_correlation: float  # of mouth and sound, below which no mouth is said to move with it

    def choose(self, candidates: Sequence[Candidate]) -> Candidate:
        """Return the face that talks, or, where none of the prominent ones is seen to, the most prominent."""
        weights = [self._prominence(candidate.track) for candidate in candidates]
        order = np.argsort(weights)[::-1]
        rivals = [candidates[place] for place in order if weights[place] >= RIVAL * max(weights)]
        if len(rivals) == 1:
            return rivals[0]
        heard = [self.correlation(candidate.stretch) for candidate in rivals]
        best = int(np.nanargmax([-1.0 if np.isnan(value) else value for value in heard]))
        return rivals[best] if heard[best] >= self.min_correlation else rivals[0]

    def correlation(self, stretch: Stretch) -> float:
        """Return how the mouth opens with the loudness, at the best lag: Pearson's r, NaN for a still mouth."""
        if mouth_motion(stretch.landmarks_px) < STILL:
            return float("nan")
        loudness = self.loudness_db[stretch.first_frame :][: len(stretch.boxes_px)]
        return best_lag(mouth_opening(stretch.landmarks_px)[: len(loudness)], loudness, MAX_LAG_FRAMES)[1]

    def _prominence(self, track: Track) -> float:
        """Return the summed area of a face, which counts less the farther it lies from the picture's middle."""
        boxes = self.clip.faces.boxes_px([*track.seen.values()])
        size = np.array([self.clip.width_px, self.clip.height_px])
        off = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / size - 1, axis=1) / np.sqrt(2)  # 0 middle, 1 corner
        area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        return float((area * (1 - (1 - EDGE) * np.clip(off, 0, 1))).sum())

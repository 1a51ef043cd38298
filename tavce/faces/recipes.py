"""How each recipe cuts a followed face out of its clip: which frames, and which square of the picture.

vox       The longest tube: the frames from its first one on for as long as the box still overlaps its first box. The
          union of its boxes, made square and widened; what lies outside the picture is reflected.
hdtf      The clip from its first frame on. The union of all boxes, made square and widened, in the same way. The
          release asks MTCNN for a margin of 70 px at 256: facenet-pytorch adds 70 · side / (256 - 70) in all, a half on
          each side, so `margin` is 70 / 186 / 2 = 0.188.
released  As vox, but as the release does it: no small boxes, and the square is moved into the picture instead of
          padded, and shrunk where it does not fit. The release squashes it there; this never does.
ffhq      The clip from its first frame on. One square for the clip, turned so that the face stands upright: FFHQ's
          alignment, by which SadTalker crops portraits.

Units   Pixel centres lie at whole numbers in landmarks and in `to_crop`, pixel edges in boxes and squares: a landmark
        at (0, 0) is at (0.5, 0.5) of a box that begins at 0.
Shapes  T frames.
Source  paper.md, Data; first-order-model's video-preprocessing (tubes, square); FFHQ's download_ffhq.py (the quad)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tavce.config.data import Crop
from tavce.faces.overlap import iou
from tavce.faces.points import EYES, MOUTH
from tavce.records import ClipError, Reason

LEFT_EYE, RIGHT_EYE = slice(EYES.start, EYES.start + 6), slice(EYES.start + 6, EYES.stop)
MOUTH_CORNERS = (MOUTH.start, MOUTH.start + 6)
SIDE_PER_EYES, SIDE_PER_FACE = 2.0, 1.8  # half a side / distance of the eyes, / distance from eyes to mouth
BELOW_EYES = 0.1  # of the way from the eyes to the mouth lies the centre


@dataclass(frozen=True)
class FollowedFace:
    """A face as `detect` followed it, and the picture it is in."""

    boxes_px: np.ndarray  # float32 [T, 4] left, top, right, bottom
    landmarks_px: np.ndarray  # float32 [T, 68, 2]
    picture_px: tuple[int, int]  # width, height


@dataclass(frozen=True)
class Square:
    """A square of the picture, turned or not."""

    centre_px: np.ndarray  # float64 [2]
    right_px: np.ndarray  # float64 [2], from the centre to the middle of the right edge

    @property
    def side_px(self) -> float:
        """How long an edge is."""
        return 2 * float(np.hypot(*self.right_px))

    def to_crop(self, size_px: int) -> np.ndarray:
        """Return the affine map float64 [2, 3] from the picture's pixels to those of a crop of this size."""
        across, down = self.right_px, _quarter_turn(self.right_px)
        turn = np.stack([across, down]) * size_px / 2 / (across @ across)
        return np.column_stack([turn, (size_px - 1) / 2 - turn @ (self.centre_px - 0.5)])

    def outside(self, picture_px: tuple[int, int]) -> float:
        """Return how much of the side reaches out of the picture, along the worse axis."""
        reach = np.abs(self.right_px).sum()  # of the corners from the centre, along both axes
        beyond = np.clip(reach - self.centre_px, 0, None) + np.clip(self.centre_px + reach - picture_px, 0, None)
        return float(beyond.max()) / self.side_px


@dataclass(frozen=True)
class Cut:
    """What is cut out of a clip."""

    first_frame: int  # of those in which the face was followed
    frames: int
    to_crop: np.ndarray  # float64 [2, 3], from the picture's pixels to the crop's
    side_px: float  # of the square, in the picture
    outside: float  # share of the side that is reflected, along the worse axis
    tubes: int | None  # how many the clip has; None where the recipe knows none

    def landmarks(self, landmarks_px: np.ndarray) -> np.ndarray:
        """Return where landmarks [T, 68, 2] of the picture lie in the crop, float32 [frames, 68, 2] px."""
        kept = landmarks_px[self.first_frame : self.first_frame + self.frames]
        return (kept @ self.to_crop[:, :2].T + self.to_crop[:, 2]).astype(np.float32)


def plan_cut(face: FollowedFace, settings: Crop, min_frames: int) -> Cut:
    """Return what the settings' recipe cuts out.

    Raises:
        ClipError: `too_short` where the face is followed for fewer than `min_frames`, `unsteady` where every tube is
            shorter, `small_face` below `min_side_px`, `out_of_frame` above `max_outside`.
    """
    followed = len(face.boxes_px)
    if followed < min_frames:
        raise ClipError(Reason.TOO_SHORT, f"the face is in {followed} frames, trim.min_frames is {min_frames}")
    in_tubes = settings.recipe in ("vox", "released")
    tubes = find_tubes(face.boxes_px, settings.min_iou_first, settings.max_frames) if in_tubes else None
    span = _longest(tubes, min_frames) if tubes else range(min(followed, settings.max_frames))
    kept = slice(span.start, span.stop)
    in_span = FollowedFace(face.boxes_px[kept], face.landmarks_px[kept], face.picture_px)
    square = SQUARES[settings.recipe](in_span, settings)
    outside = square.outside(face.picture_px)
    if outside > settings.max_outside:
        raise ClipError(
            Reason.OUT_OF_FRAME,
            f"{outside:.0%} of the crop lies outside the picture, crop.max_outside is {settings.max_outside:.0%}",
        )
    to_crop = square.to_crop(settings.size_px)
    return Cut(span.start, len(span), to_crop, square.side_px, outside, len(tubes) if tubes else None)


def find_tubes(boxes_px: np.ndarray, min_iou_first: float, max_frames: int) -> list[range]:
    """Return the tubes of a clip [T, 4] in order: none is left out, and together they are all of its frames."""
    tubes, start = [], 0
    while start < len(boxes_px):
        overlaps = iou(boxes_px[start], boxes_px[start : start + max_frames])
        away = np.flatnonzero(overlaps < min_iou_first)
        stop = start + int(away[0] if len(away) else len(overlaps))
        tubes.append(range(start, stop))
        start = stop
    return tubes


def _longest(tubes: list[range], min_frames: int) -> range:
    longest = max(tubes, key=len)
    if len(longest) < min_frames:
        raise ClipError(
            Reason.UNSTEADY,
            f"the face leaves its place: the longest of {len(tubes)} tubes has {len(longest)} frames,"
            f" trim.min_frames is {min_frames}",
        )
    return longest


def union_square(face: FollowedFace, settings: Crop) -> Square:
    """Return the square around all boxes, widened, with its edges on pixels."""
    low, high = _union(face.boxes_px)
    centre, half = (low + high) / 2, (high - low).max() / 2 * (1 + 2 * settings.margin)
    edges = np.round([*(centre - half), centre[0] + half])
    return _level(edges[:2], edges[2] - edges[0])


def clamped_square(face: FollowedFace, settings: Crop) -> Square:
    """Return the square around all boxes, widened, shrunk to the largest that the picture holds, moved into it.

    Raises:
        ClipError: `small_face` where the boxes' union is smaller than `min_side_px`.
    """
    low, high = _union(face.boxes_px)
    longer_px = float((high - low).max())
    if longer_px < settings.min_side_px:
        raise ClipError(
            Reason.SMALL_FACE, f"the tube's box is {longer_px:.0f} px, crop.min_side_px is {settings.min_side_px}"
        )
    wanted = union_square(face, settings)
    side = min(wanted.side_px, *face.picture_px)
    left_top = np.round(wanted.centre_px - side / 2)
    return _level(np.clip(left_top, 0, np.subtract(face.picture_px, side)), side)


def upright_square(face: FollowedFace, _settings: Crop) -> Square:
    """Return the square of FFHQ around the clip's median face."""
    points = np.median(face.landmarks_px.astype(np.float64), axis=0) + 0.5
    left, right = points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0)
    eyes, mouth = (left + right) / 2, points[[*MOUTH_CORNERS]].mean(axis=0)
    across = right - left - _quarter_turn(mouth - eyes)
    half = max(SIDE_PER_EYES * np.hypot(*(right - left)), SIDE_PER_FACE * np.hypot(*(mouth - eyes)))
    return Square(eyes + BELOW_EYES * (mouth - eyes), across / np.hypot(*across) * half)


SQUARES: dict[str, Callable[[FollowedFace, Crop], Square]] = {
    "vox": union_square,
    "hdtf": union_square,
    "released": clamped_square,
    "ffhq": upright_square,
}


def _union(boxes_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return left, top and right, bottom of all boxes [T, 4], float64."""
    return boxes_px[:, :2].min(axis=0).astype(np.float64), boxes_px[:, 2:].max(axis=0).astype(np.float64)


def _level(left_top_px: np.ndarray, side_px: float) -> Square:
    return Square(left_top_px + side_px / 2, np.array([side_px / 2, 0.0]))


def _quarter_turn(vector: np.ndarray) -> np.ndarray:
    """Return a vector [2] turned clockwise on the screen: right becomes down."""
    return np.array([-vector[1], vector[0]])

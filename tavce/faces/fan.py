"""Find faces with S3FD and their 68 landmarks with 2DFAN-4: the networks of the package `face_alignment`, in batches.

Reads   the published weights `s3fd` and `fan4` (`tavce fetch NAME`); a GPU runs them where there is one, else the CPU
Gives   what the package gives for every frame by itself with `flip_input` off (its landmarks are not averaged with
        those of the mirrored crop, which would take twice as long), but for two things: S3FD sees large frames
        shrunk, and points keep the fraction of a pixel that the package cuts off
Source  S. Zhang et al., S3FD (2017); A. Bulat & G. Tzimiropoulos, How far are we from solving the 2D & 3D face
        alignment problem? (2017); anchors, suppression, crops and peaks as in face_alignment 1.5.0

This module imports torch: it is loaded by name. The environment of the rule `detect` (envs/data.yaml) has neither
torch nor the package; `.venv` and the image envs/tavce.sif have both.

Shapes: N frames or faces, H × W pixels, K candidates. Pixel coordinates are x right, y down.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import cv2
import numpy as np

from tavce import weights
from tavce.faces.backend import Face, MissingWeightsError, one_face_a_frame
from tavce.faces.points import POINTS

try:
    import torch
    from face_alignment.detection.sfd.bbox import nms
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models import FAN
except ModuleNotFoundError as missing:
    raise MissingWeightsError(
        f"the back-end face_alignment needs {missing.name.partition('.')[0]}, which this environment lacks: "
        "pip install torch face-alignment==1.5.0, or run without --software-deployment-method conda"
    ) from missing

BATCH = {"cuda": 32, "cpu": 1}  # frames at once; on a CPU more are no faster and take 0.2 GB each

# The longer side that S3FD sees of a larger frame. The authors of the paper look at frames 360 px high, which is 640
# wide; S3FD finds faces from about 12 px on, here 36 px of a frame of 1920: about the smallest that `detect` keeps.
LONGEST_PX = 640
SHORTEST_PX = 32  # what five halvings leave a pixel of; smaller frames get a black rim
MEAN_BGR = (104.0, 117.0, 123.0)
FINEST_STRIDE_PX = 4  # of the first of six grids of anchors; every next is twice as coarse
ANCHOR_STRIDES = 4  # side of an anchor / stride of its grid
SHIFT_SCALE, SIZE_SCALE = 0.1, 0.2  # of what the network says, in anchor sides and in their logarithm
MIN_SCORE = 0.5  # of a detection
MAX_OVERLAP = 0.3  # of two detections, intersection over union

CROP_PX, HEATMAP_CELLS = 256, 64
CROP_WIDTHS = 200 / 195  # side of the crop / (width + height) of the face
RISE = 0.12  # of the crop above the middle of the face, in face heights
QUARTER = 0.25  # cells that a peak is moved towards its higher neighbour
CUT_PX = 0.5  # what cutting off the fraction takes away on average; the published points are that much lower


class FaceAlignment:
    """S3FD and 2DFAN-4 on one device. One instance is for one thread."""

    def __init__(self, detector: s3fd, aligner: FAN, device: str) -> None:
        """Take networks with their weights in place, and where they shall run: `cuda` or `cpu`."""
        self.batch = BATCH[device]  # frames that are best given at once; more are divided
        self._device = device
        self._detector, self._aligner = (net.to(device).eval().requires_grad_(False) for net in (detector, aligner))

    def detect(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces in each uint8 [H, W, 3] RGB frame, best first, with S3FD's score; none is an empty list."""
        groups = [list(alike) for _, alike in groupby(frames, key=np.shape)]
        return [faces for alike in groups for part in _parts(alike, self.batch) for faces in self._detect(part)]

    def landmarks(
        self, frames: Sequence[np.ndarray], faces: Sequence[Face]
    ) -> tuple[np.ndarray, np.ndarray, list[Face]]:
        """Return points float32 [N, 68, 2] px, scores float32 [N], and the faces as they were given.

        A score is the mean of the 68 heatmaps' peaks, clipped to 0..1. The faces stay as they are because S3FD's box
        is what FAN was trained on: one made of landmarks is another box.

        Raises:
            ValueError: there are not as many faces as frames.
        """
        one_face_a_frame(frames, faces)
        if not faces:
            return np.zeros((0, POINTS, 2), np.float32), np.zeros(0, np.float32), []
        centres, sides = _squares(faces)
        crops = [*map(_crop, frames, centres, sides)]
        found = [self._peaks(np.stack(part)) for part in _parts(crops, self.batch)]
        peaks, heights = (np.concatenate(each) for each in zip(*found, strict=True))
        points = (peaks / HEATMAP_CELLS - 0.5) * sides[:, None, None] + centres[:, None] - CUT_PX
        return points.astype(np.float32), heights.mean(axis=1).clip(0, 1), [*faces]

    @torch.inference_mode()
    def _detect(self, frames: Sequence[np.ndarray]) -> list[list[Face]]:
        """Return the faces of some frames of one size."""
        height, width = frames[0].shape[:2]
        shrink = min(1.0, LONGEST_PX / max(height, width))
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        pictures = self._upload(np.stack([_on_ground(frame, size) for frame in frames]))
        levels = self._detector(pictures.flip(1) - pictures.new_tensor(MEAN_BGR)[:, None, None])
        found = [
            _candidates(classes, shifts, FINEST_STRIDE_PX * 2**level)
            for level, (classes, shifts) in enumerate(zip(levels[::2], levels[1::2], strict=True))
        ]
        owners, boxes = (np.concatenate(each) for each in zip(*found, strict=True))
        return [_faces(boxes[owners == number], (width / size[0], height / size[1])) for number in range(len(frames))]

    @torch.inference_mode()
    def _peaks(self, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where the 68 heatmaps of crops uint8 [N, 256, 256, 3] peak.

        Returns:
            [N, 68, 2] x, y in cells, 0 at the edge of the crop; and [N, 68], how high.
        """
        heat = self._aligner(self._upload(crops) / 255)[-1]
        heights, places = heat.flatten(2).max(dim=2)
        places = torch.stack([places % HEATMAP_CELLS, places // HEATMAP_CELLS], dim=2)
        x, y = places.clamp(1, HEATMAP_CELLS - 2).unbind(dim=2)
        cells, steps = (x + y * HEATMAP_CELLS)[..., None], places.new_tensor((1, HEATMAP_CELLS))
        slope = heat.flatten(2).gather(2, cells + steps) - heat.flatten(2).gather(2, cells - steps)
        inside = ((places > 0) & (places < HEATMAP_CELLS - 1)).all(dim=2, keepdim=True)
        peaks = places + 0.5 + QUARTER * slope.sign() * inside
        return peaks.cpu().numpy(), heights.cpu().numpy()

    def _upload(self, pictures: np.ndarray) -> torch.Tensor:
        """Return uint8 [N, H, W, 3] as float32 [N, 3, H, W] on the device."""
        return torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2).float()


def open_backend() -> FaceAlignment:
    """Return the back-end with its published weights, on a GPU where there is one.

    Raises:
        InputError: the weights were not fetched yet, or are not the published ones.
    """
    torch.set_num_threads(1)  # a thread a clip
    detector, aligner = s3fd(), FAN(4)
    for network, name in ((detector, "s3fd"), (aligner, "fan4")):
        network.load_state_dict(torch.load(weights.path_of(name), map_location="cpu", weights_only=True))
    return FaceAlignment(detector, aligner, "cuda" if torch.cuda.is_available() else "cpu")


def _parts(items: Sequence, most: int) -> Iterator[Sequence]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _on_ground(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a frame at a size (width, height), with a black rim at its right and bottom where it is very small."""
    if size != frame.shape[1::-1]:
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    right, bottom = (max(0, SHORTEST_PX - side) for side in size)
    return np.pad(frame, ((0, bottom), (0, right), (0, 0))) if right or bottom else frame


def _candidates(classes: torch.Tensor, shifts: torch.Tensor, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what one grid of anchors takes for faces.

    Args:
        classes: logits [N, 2, h, w] of ground and face.
        shifts: [N, 4, h, w] centre and logarithm of the size, from the anchor's.
        stride: px between anchors.

    Returns:
        The frames' numbers [K], and left, top, right, bottom, score [K, 5].
    """
    scores = classes.softmax(dim=1)[:, 1]
    owners, rows, columns = torch.nonzero(scores > MIN_SCORE, as_tuple=True)
    side = ANCHOR_STRIDES * stride
    shift = shifts[owners, :, rows, columns]
    centres = torch.stack([columns, rows], dim=1) * stride + stride / 2 + shift[:, :2] * SHIFT_SCALE * side
    halves = side * torch.exp(shift[:, 2:] * SIZE_SCALE) / 2
    found = torch.cat([centres - halves, centres + halves, scores[owners, rows, columns, None]], dim=1)
    return owners.cpu().numpy(), found.cpu().numpy()


def _faces(found: np.ndarray, stretch: tuple[float, float]) -> list[Face]:
    """Return the faces among candidates [K, 5], best first, their boxes stretched to the frame."""
    return [
        Face(tuple((box[:4] * (*stretch, *stretch)).tolist()), float(box[4])) for box in found[nms(found, MAX_OVERLAP)]
    ]


def _squares(faces: Sequence[Face]) -> tuple[np.ndarray, np.ndarray]:
    """Return centres [N, 2] and sides [N] of FAN's crops, px."""
    corners = np.array([face.box_px for face in faces]).reshape(-1, 2, 2)
    sizes = corners[:, 1] - corners[:, 0]
    return corners.mean(axis=1) - sizes * (0, RISE), sizes.sum(axis=1) * CROP_WIDTHS


def _crop(frame: np.ndarray, centre: np.ndarray, side: float) -> np.ndarray:
    """Return a square of a frame as uint8 [256, 256, 3]; black outside. Its corners are whole pixels, as published."""
    left, top = (centre - side / 2 + side / CROP_PX).astype(int)
    right, bottom = (centre + side / 2).astype(int)
    square = np.zeros((max(1, bottom - top), max(1, right - left), 3), np.uint8)
    seen = frame[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    x, y = max(0, -left), max(0, -top)
    square[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
    return cv2.resize(square, (CROP_PX, CROP_PX), interpolation=cv2.INTER_LINEAR)

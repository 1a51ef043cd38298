"""Crop the talking face out of every clip of a shard.

Reads   trimmed clips, and boxes and landmarks of `detect`
Writes  `frames` (JPEGs, S × S, RGB) with `offsets` int64 [T + 1], `landmarks` float32 [T, 68, 2] in the crop, and one
        record a clip
Source  the crop rule of the release: one box a clip, the union over its frames, widened (paper.md, Data)
"""

import argparse
from dataclasses import dataclass

import cv2
import h5py
import numpy as np

from tavce import media, store
from tavce.config.data import Crop
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.files import input_file
from tavce.records import ClipError, ClipRecord, Reason, Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)
    parser.add_argument("--clips", type=input_file, required=True, help="the shard's trimmed clips, .h5")
    parser.add_argument("--faces", type=input_file, required=True, help="the shard's boxes and landmarks, .h5")


def run(arguments: argparse.Namespace) -> None:
    """Crop the clips of one shard."""
    job = open_job("crop", arguments)
    with store.open_shard(arguments.clips) as clips, store.open_shard(arguments.faces) as faces:
        run_shard(job, Cropper(job.settings["crop"], clips, faces))


def union_box(boxes_px: np.ndarray, margin: float) -> np.ndarray:
    """Return the square float64 [4] (left, top, right, bottom) around all boxes [T, 4].

    Args:
        boxes_px: left, top, right, bottom in pixels.
        margin: widening on each side, as a fraction of the square's side.
    """
    low, high = boxes_px[:, :2].min(axis=0), boxes_px[:, 2:].max(axis=0)
    centre, half = (low + high) / 2, (high - low).max() / 2 * (1 + 2 * margin)
    return np.concatenate([centre - half, centre + half]).astype(np.float64)


@dataclass(frozen=True)
class Cropper:
    """Crops one clip."""

    settings: Crop
    clips: h5py.File
    faces: h5py.File

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return the face's frames and landmarks.

        Raises:
            ClipError: `out_of_frame` where too much of the crop lies outside the picture.
        """
        face = self.faces[row.clip_id]
        square = np.round(union_box(face["boxes"][:], self.settings.margin)).astype(int)
        side = int(square[2] - square[0])
        square[3] = square[1] + side
        pictures, outside = [], 0.0
        for frame in media.decode(self.clips[row.clip_id]["video"][:].tobytes()):
            if not pictures:
                outside = self._outside(square, frame.shape)
            pictures.append(self._jpeg(frame, square))
        scale = self.settings.size_px / side
        landmarks = ((face["landmarks"][:] - square[:2] + 0.5) * scale - 0.5).astype(np.float32)
        numbers = {"frames": len(pictures), "side_px": side, "outside": round(outside, 4)}
        arrays = {**store.pack(pictures), "landmarks": landmarks}
        box = ",".join(str(value) for value in square)
        return Result(numbers, arrays, {"box_px": box, "size_px": self.settings.size_px})

    def _outside(self, square: np.ndarray, shape: tuple[int, ...]) -> float:
        """Return the share of the square beyond the picture, along the worse axis."""
        limit = np.array([shape[1], shape[0]])
        beyond = np.clip(-square[:2], 0, None) + np.clip(square[2:] - limit, 0, None)
        share = float(beyond.max() / (square[2] - square[0]))
        limit_share = self.settings.max_outside
        if share > limit_share:
            raise ClipError(
                Reason.OUT_OF_FRAME,
                f"{share:.0%} of the crop lies outside the picture, crop.max_outside is {limit_share:.0%}",
            )
        return share

    def _jpeg(self, frame: np.ndarray, square: np.ndarray) -> bytes:
        left, top, right, bottom = square
        height, width = frame.shape[:2]
        inside = frame[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        pads = (max(-top, 0), max(bottom - height, 0), max(-left, 0), max(right - width, 0))
        if any(pads):
            inside = cv2.copyMakeBorder(inside, *pads, cv2.BORDER_REFLECT)
        size = self.settings.size_px
        shrinks = inside.shape[0] > size
        resized = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        bgr = cv2.cvtColor(resized, cv2.COLOR_RGB2BGR)
        return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.settings.jpeg_quality])[1].tobytes()

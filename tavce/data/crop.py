"""Crop the talking face out of every clip of a shard.

Reads   trimmed clips, and boxes and landmarks of `detect`
Writes  `frames` (JPEGs, S × S, RGB) with `offsets` int64 [T + 1], `mouths` (JPEGs of the square around the mouth) with
        `mouth_offsets`, `landmarks` float32 [T, 68, 2] in the crop, and one record a clip. Group attributes:
        `first_frame` of the trimmed clip at which they begin, `recipe`, `to_crop` (the affine map [2, 3] from source to
        crop px, row by row), `size_px`, `mouth_px`
The frames and the square are those of a recipe: `tavce/faces/recipes.py`.
"""

import argparse
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import cv2
import h5py
import numpy as np

from tavce import media, store
from tavce.config.data import Crop
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.faces.cutout import Cutout
from tavce.faces.points import mouth_box
from tavce.faces.recipes import Cut, FollowedFace, plan_cut
from tavce.files import input_file
from tavce.records import ClipRecord, Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)
    parser.add_argument("--clips", type=input_file, required=True, help="the shard's trimmed clips, .h5")
    parser.add_argument("--faces", type=input_file, required=True, help="the shard's boxes and landmarks, .h5")


def run(arguments: argparse.Namespace) -> None:
    """Crop the clips of one shard."""
    job = open_job("crop", arguments)
    settings, min_frames = job.settings["crop"], job.settings["trim"].min_frames
    run_shard(job, partial(_open, settings, min_frames, arguments.clips, arguments.faces))


@contextmanager
def _open(settings: Crop, min_frames: int, clips_path: str, faces_path: str, folder: Path) -> Iterator["Cropper"]:
    with store.open_shard(clips_path) as clips, store.open_shard(faces_path) as faces:
        yield Cropper(settings, min_frames, clips, faces, folder)


@dataclass(frozen=True)
class Cropper:
    """Crops one clip."""

    settings: Crop
    min_frames: int  # of a crop
    clips: h5py.File
    faces: h5py.File
    folder: Path

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return the face's frames and landmarks.

        Raises:
            ClipError: `too_short`, `unsteady`, `small_face` or `out_of_frame`, as the recipe says.
        """
        video = self.clips[row.clip_id]["video"]
        found = self.faces[row.clip_id]
        size_px = media.frame_size(store.reader(video))
        face = FollowedFace(found["boxes"][:], found["landmarks"][:], size_px)
        cut = plan_cut(face, self.settings, self.min_frames)
        first = int(found.attrs["first_frame"]) + cut.first_frame
        landmarks = cut.landmarks(face.landmarks_px)
        with store.PictureFile(self.folder) as pictures, store.PictureFile(self.folder) as mouths:
            for picture, points in zip(self._pictures(store.reader(video), first, cut), landmarks, strict=True):
                jpeg, mouth = compress(picture, points, self.settings)
                pictures.add(jpeg)
                mouths.add(mouth)
        numbers = {
            "first_frame": first,
            "frames": cut.frames,
            "side_px": round(cut.side_px, 1),
            "outside": round(cut.outside, 4),
            "recipe": self.settings.recipe,
        }
        if cut.tubes is not None:
            numbers["tubes"] = cut.tubes
        to_crop = " ".join(repr(float(value)) for value in cut.to_crop.flat)
        said = {"first_frame": first, "recipe": self.settings.recipe, "to_crop": to_crop}
        return Result(
            numbers,
            {**pictures.arrays(), **mouths.arrays(store.MOUTHS), "landmarks": landmarks},
            {**said, "size_px": self.settings.size_px, "mouth_px": self.settings.mouth_px},
        )

    def _pictures(self, video: BinaryIO, first_frame: int, cut: Cut) -> Iterator[np.ndarray]:
        """Yield the crops of the cut's frames, one after the other; nothing behind them is decoded."""
        cutout = Cutout(cut.to_crop, self.settings.size_px)
        for frame in itertools.islice(media.decode(video), first_frame, first_frame + cut.frames):
            yield cutout(frame)


def compress(picture: np.ndarray, landmarks_px: np.ndarray, settings: Crop) -> tuple[bytes, bytes]:
    """Return a crop uint8 [S, S, 3] RGB and the square around its mouth as JPEGs.

    The mouth keeps its colours in full: half of them would blur the lips' edge, and save a seventh of its bytes.
    """
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    left, top = mouth_box(landmarks_px, settings.mouth_px, settings.size_px)
    mouth = bgr[top : top + settings.mouth_px, left : left + settings.mouth_px]
    quality = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
    colours = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", bgr, quality)[1].tobytes(), cv2.imencode(".jpg", mouth, quality + colours)[1].tobytes()

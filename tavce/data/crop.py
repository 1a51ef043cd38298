"""Crop the talking face out of every clip of a shard.

Reads   trimmed clips, and boxes and landmarks of `detect`
Writes  `frames` (JPEGs, S × S, RGB) with `offsets` int64 [T + 1], `landmarks` float32 [T, 68, 2] in the crop, and one
        record a clip. Group attributes: `first_frame` of the trimmed clip at which they begin, `recipe`, `to_crop`
        (the affine map [2, 3] from source to crop px, row by row), `size_px`
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

from tavce import media, store
from tavce.config.data import Crop
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.faces.cutout import Cutout
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
        with store.PictureFile(self.folder) as pictures:
            for jpeg in self._jpegs(store.reader(video), first, cut):
                pictures.add(jpeg)
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
            {**pictures.arrays(), "landmarks": cut.landmarks(face.landmarks_px)},
            {**said, "size_px": self.settings.size_px},
        )

    def _jpegs(self, video: BinaryIO, first_frame: int, cut: Cut) -> Iterator[bytes]:
        """Yield the crops of the cut's frames, one after the other; nothing behind them is decoded."""
        cutout = Cutout(cut.to_crop, self.settings.size_px)
        quality = [cv2.IMWRITE_JPEG_QUALITY, self.settings.jpeg_quality]
        for frame in itertools.islice(media.decode(video), first_frame, first_frame + cut.frames):
            bgr = cv2.cvtColor(cutout(frame), cv2.COLOR_RGB2BGR)
            yield cv2.imencode(".jpg", bgr, quality)[1].tobytes()

"""Find the face in every frame of a shard's clips and follow it through each clip.

Reads   `video` of the trimmed clips, and `boxes` where the face that talks is annotated
Writes  `boxes` float32 [T, 4] and `landmarks` float32 [T, 68, 2], px in the source frame, one record a clip
Every clip is decoded once, in chunks, so that memory does not grow with its length.
"""

import argparse
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from tavce import media, store
from tavce.config.data import Detect
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.data.track import Annotation, Observation, follow, share_inside, whole_track
from tavce.faces.backend import MissingWeightsError, open_backend
from tavce.files import input_file
from tavce.records import ClipError, ClipRecord, InputError, Reason, Row

CHUNK = 32  # frames held at once


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser)
    parser.add_argument("--clips", type=input_file, required=True, help="the shard's trimmed clips, .h5")


def run(arguments: argparse.Namespace) -> None:
    """Detect and follow the faces of one shard.

    Raises:
        InputError: the back-end's model files are not installed.
    """
    job = open_job("detect", arguments)
    try:
        faces = Faces(job.settings["detect"].backend)
    except MissingWeightsError as error:
        raise InputError(str(error)) from error
    with store.open_shard(arguments.clips) as clips:
        run_shard(job, Detector(job.settings["detect"], faces, clips))


class Faces(threading.local):
    """A face back-end for every thread that asks for it.

    Raises:
        MissingWeightsError: its model files are not installed.
    """

    def __init__(self, backend: str) -> None:
        self.mesh = open_backend(backend)


@dataclass(frozen=True)
class Detector:
    """Finds the face of one clip."""

    settings: Detect
    faces: Faces
    clips: h5py.File

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return the talking face's boxes and landmarks.

        Raises:
            ClipError: `no_face`, `other_face`, `face_lost` or `small_face`.
        """
        settings = self.settings
        frames = [found for chunk in self._chunks(row.clip_id) for found in self._observe(chunk)]
        tracks = follow(frames, settings.min_iou, settings.max_gap_frames)
        annotation = self._annotation(row.clip_id)
        boxes, landmarks, filled = whole_track(tracks, len(frames), settings.max_gap_frames, annotation)
        side_px = float(np.median((boxes[:, 2:] - boxes[:, :2]).mean(axis=1)))
        if side_px < settings.min_face_px:
            raise ClipError(
                Reason.SMALL_FACE, f"face of {side_px:.0f} px, detect.min_face_px is {settings.min_face_px:.0f}"
            )
        numbers = {
            "frames": len(frames),
            "filled_frames": filled,
            "tracks": len(tracks),
            "face_px": round(side_px, 1),
            "backend": settings.backend,
        }
        if annotation:
            shares = map(share_inside, boxes, annotation.boxes_px)
            numbers["annotated_share"] = round(float(np.mean([*shares])), 2)
        return Result(numbers, {"boxes": boxes, "landmarks": landmarks})

    def _annotation(self, clip_id: str) -> Annotation | None:
        clip = self.clips[clip_id]
        return Annotation(clip["boxes"][:], self.settings.min_annotated_share) if "boxes" in clip else None

    def _chunks(self, clip_id: str) -> Iterator[list[np.ndarray]]:
        frames = media.decode(self.clips[clip_id]["video"][:].tobytes())
        while chunk := list(itertools.islice(frames, CHUNK)):
            yield chunk

    def _observe(self, frames: list[np.ndarray]) -> list[list[Observation]]:
        """Return the faces of every frame: the detector looks at some, the landmarks at all."""
        every = self.settings.every
        looked = self.faces.mesh.detect(frames[::every])
        found = [looked[number // every] for number in range(len(frames))]
        owners = [number for number, faces in enumerate(found) for _ in faces]
        observations: list[list[Observation]] = [[] for _ in frames]
        if not owners:
            return observations
        faces = [face for faces in found for face in faces]
        landmarks, scores, _ = self.faces.mesh.landmarks([frames[number] for number in owners], faces)
        for number, face, points, score in zip(owners, faces, landmarks, scores, strict=True):
            if score >= self.settings.min_score:
                observations[number].append(Observation(np.asarray(face.box_px), points, float(score)))
        return observations

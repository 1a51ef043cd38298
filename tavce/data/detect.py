"""Find the faces in every frame of a shard's clips, and follow the one that talks.

Reads   `video` and `wave` of the trimmed clips, and `boxes` where the face that talks is annotated
Writes  `boxes` float32 [T, 4] and `landmarks` float32 [T, 68, 2], px in the source frame, of T frames of the clip from
        the attribute `first_frame` on, and one record a clip
A face is followed through one shot: a clip with a cut is kept from the cut on, or up to it.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from tavce import media, store
from tavce.config.data import Detect, Trim
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.data.observe import Observer, Seen
from tavce.data.talker import Annotation, Candidate, Talking
from tavce.data.track import follow, jitter, stretch
from tavce.faces.backend import MissingWeightsError, open_backend
from tavce.faces.lips import loudness_db
from tavce.files import input_file
from tavce.records import ClipError, ClipRecord, InputError, Reason, Row


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
    run_shard(job, partial(_open, arguments.clips, job.settings["detect"], job.settings["trim"]))


@contextmanager
def _open(path: str, detect: Detect, trim: Trim, _folder: Path) -> Iterator["Detector"]:
    try:
        backend = open_backend(detect.backend)
    except MissingWeightsError as error:
        raise InputError(str(error)) from error
    with store.open_shard(path) as clips:
        yield Detector(detect, trim, Observer(backend, detect), clips)


@dataclass(frozen=True)
class Detector:
    """Finds the face of one clip."""

    settings: Detect
    trim: Trim
    see: Observer
    clips: h5py.File

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return the talking face's boxes and landmarks.

        Raises:
            ClipError: `no_face`, `face_lost`, `other_face` or `small_face`.
        """
        settings, group = self.settings, self.clips[row.clip_id]
        clip = self.see(media.decode(store.reader(group["video"])))
        candidates = self._candidates(clip)
        annotation = Annotation(group["boxes"][:], settings.min_annotated_share) if "boxes" in group else None
        level = loudness_db(group["wave"][:], len(clip.frames))
        talking = Talking(level, clip, settings.min_talker_corr)
        chosen = (annotation or talking).choose(candidates).stretch
        side_px = float(np.median((chosen.boxes_px[:, 2:] - chosen.boxes_px[:, :2]).mean(axis=1)))
        if side_px < settings.min_face_px:
            raise ClipError(
                Reason.SMALL_FACE, f"face of {side_px:.0f} px, detect.min_face_px is {settings.min_face_px:.0f}"
            )
        landmarks = chosen.smoothed(settings.smooth_frames)
        frames, heard = len(landmarks), talking.correlation(chosen)
        numbers = {
            "first_frame": chosen.first_frame,
            "frames": frames,
            "filled_frames": chosen.filled,
            "miss_rate": round(chosen.filled / frames, 4),
            "score": round(chosen.score, 3),
            "tracks": len(candidates),
            "faces": int(np.percentile([len(faces) for faces in clip.frames], 95)),
            "cuts": len(clip.cuts),
            "face_px": round(side_px, 1),
            "jitter": round(jitter(landmarks), 5),
            "jitter_found": round(jitter(chosen.landmarks_px), 5),
            "talker_corr": None if np.isnan(heard) else round(heard, 3),
            "backend": settings.backend,
        }
        if annotation:
            numbers["annotated_share"] = round(annotation.share(chosen), 2)
        arrays = {"boxes": chosen.boxes_px, "landmarks": landmarks}
        return Result(numbers, arrays, {"first_frame": chosen.first_frame})

    def _candidates(self, clip: Seen) -> list[Candidate]:
        """Return the faces that last long enough.

        Raises:
            ClipError: `no_face` without any, `face_lost` where none lasts.
        """
        gap = self.settings.max_gap_frames
        # what is seen no longer than a face may be missed is a mistake of as little weight
        tracks = [track for track in follow(clip, self.settings.min_iou, gap) if len(track.seen) > gap]
        if not tracks:
            raise ClipError(Reason.NO_FACE, f"no face in any {gap + 1} of {len(clip.frames)} frames")
        whole = [Candidate(track, stretch(track, clip, gap)) for track in tracks]
        lasting = [one for one in whole if len(one.stretch.boxes_px) >= self.trim.min_frames]
        if not lasting:
            longest = max(len(one.stretch.boxes_px) for one in whole)
            raise ClipError(
                Reason.FACE_LOST,
                f"no face for longer than {longest} of {len(clip.frames)} frames, trim.min_frames is"
                f" {self.trim.min_frames}; {len(tracks)} tracks, {len(clip.cuts)} cuts",
            )
        return lasting

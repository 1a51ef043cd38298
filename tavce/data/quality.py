"""Measure every clip of a shard, and drop those that pass a threshold: the one stage that a changed threshold reruns.

Reads   what `detect` and `crop` say of the clips, the sound of the trimmed ones, frames and landmarks of the crops
Writes  one record a clip, with all that was measured, also of a clip that is dropped; and no arrays
A threshold that is not set, or whose number could not be measured (null), drops nothing.
Numbers
    frames, seconds, first_frame        of the crop, and the frame of the trimmed clip that it begins with
    face_px, miss_rate, cuts, faces     as `detect` found them; miss_rate is the share of frames without the face
    pitch_deg, yaw_deg, roll_deg        size of the head's turn that 95 % of the frames stay below
    mouth_motion                        `tavce.faces.points`
    sharpness, loudness_db, av_corr, av_offset      `tavce.data.measures`; av_note says why there are none
    sync_confidence, sync_distance, sync_offset_frames      SyncNet's, where `quality.syncnet` asks for them
    picture_hash, sound_hash    hexadecimal, 48 and 16 digits (`tavce.data.hashes`)
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import h5py
import numpy as np

from tavce import store
from tavce.config.data import Quality
from tavce.data import measures
from tavce.data.clips import Result, Shard, open_job, run_shard, shard_arguments
from tavce.data.hashes import picture_hash, sound_hash
from tavce.data.syncing import SyncNet, open_syncnet, sync_numbers
from tavce.faces.lips import SAMPLES_PER_FRAME
from tavce.faces.points import mouth_motion
from tavce.files import input_file
from tavce.records import ClipError, ClipRecord, InputError, Numbers, Reason, Row, read_records

RATE_HZ = 25
FOUND = ("face_px", "miss_rate", "cuts", "faces")  # what `detect` says of a clip
HASHED = 3  # frames of the picture's hash
SHARP = 8  # frames whose sharpness is measured


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser, out=False)
    parser.add_argument("--detected", type=input_file, required=True, help="the shard's records of detect")
    parser.add_argument("--clips", type=input_file, required=True, help="the shard's trimmed clips, .h5")
    parser.add_argument("--crops", type=input_file, required=True, help="the shard's crops, .h5")


def run(arguments: argparse.Namespace) -> None:
    """Measure the clips of one shard.

    Raises:
        InputError: the records of detect are not those of this sheet, or SyncNet's weights are missing.
    """
    job = open_job("quality", arguments)
    detected = _detected(job, arguments.detected)
    run_shard(job, partial(_open, job.settings["quality"], detected, arguments.clips, arguments.crops))


@contextmanager
def _open(
    settings: Quality, detected: Mapping[str, Numbers], clips_path: str, crops_path: str, _folder: Path
) -> Iterator["Judge"]:
    syncnet = open_syncnet() if settings.syncnet else None
    with store.open_shard(clips_path) as clips, store.open_shard(crops_path) as crops:
        yield Judge(settings, detected, clips, crops, syncnet)


def _detected(job: Shard, path: str) -> dict[str, Numbers]:
    records = read_records(path)
    if [record.clip_id for record in records] != [row.clip_id for row in job.rows]:
        raise InputError(f"{path} is not of the shard's sheet: rerun detect")
    return {record.clip_id: record.numbers for record in records}


@dataclass(frozen=True)
class Limit:
    """A threshold: the setting, the number it bounds, and why a clip beyond it is dropped."""

    setting: str
    number: str
    reason: Reason

    def passed(self, settings: Quality, numbers: Numbers) -> str | None:
        """Return in words how the number passes the threshold; None where it does not, or one of them is not known."""
        bound, value = getattr(settings, self.setting), numbers[self.number]
        if bound is None or value is None:
            return None
        too_far = value < bound if self.setting.startswith("min_") else abs(value) > bound
        return f"{self.number} is {value:g}, quality.{self.setting} is {bound:g}" if too_far else None


LIMITS = (  # of several that a clip passes, the first gives the reason
    Limit("max_cuts", "cuts", Reason.SCENE_CUTS),
    Limit("max_faces", "faces", Reason.SEVERAL_FACES),
    Limit("min_mouth_motion", "mouth_motion", Reason.STILL),
    Limit("max_miss_rate", "miss_rate", Reason.OCCLUDED),
    Limit("min_face_px", "face_px", Reason.SMALL_FACE),
    Limit("max_yaw_deg", "yaw_deg", Reason.POSE_RANGE),
    Limit("max_pitch_deg", "pitch_deg", Reason.POSE_RANGE),
    Limit("max_roll_deg", "roll_deg", Reason.POSE_RANGE),
    Limit("min_sharpness", "sharpness", Reason.BLURRED),
    Limit("min_loudness_db", "loudness_db", Reason.SILENT),
    Limit("max_av_offset_frames", "av_offset", Reason.OUT_OF_SYNC),
    Limit("min_av_corr", "av_corr", Reason.OUT_OF_SYNC),
    Limit("min_sync_confidence", "sync_confidence", Reason.OUT_OF_SYNC),
)


@dataclass(frozen=True)
class Judge:
    """Measures one clip."""

    settings: Quality
    detected: Mapping[str, Numbers]
    clips: h5py.File
    crops: h5py.File
    syncnet: SyncNet | None

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return what was measured of the clip.

        Raises:
            ClipError: the reason of the first threshold that it passes, with all that was measured.
        """
        frames = int(before.numbers["frames"])
        first = int(before.numbers["first_frame"])
        wave = store.sound(self.clips[row.clip_id], range(first, first + frames), SAMPLES_PER_FRAME)
        crop = self.crops[row.clip_id]
        landmarks = crop["landmarks"][:]
        numbers = {
            "frames": frames,
            "first_frame": first,
            "seconds": round(frames / RATE_HZ, 3),
            **{name: self.detected[row.clip_id][name] for name in FOUND},
            "mouth_motion": measures.number(mouth_motion(landmarks), 4),
            **measures.turn_deg(landmarks),
            **_looks(crop, landmarks),
            "loudness_db": measures.level_db(wave),
            **measures.lip_sync(landmarks, wave, self.settings.max_lag_frames),
            **sync_numbers(self.syncnet, self.clips[row.clip_id], crop, wave),
            "sound_hash": _hex(sound_hash(wave, RATE_HZ * SAMPLES_PER_FRAME)),
        }
        passed = [(limit.reason, said) for limit in LIMITS if (said := limit.passed(self.settings, numbers))]
        if passed:
            raise ClipError(passed[0][0], "; ".join(said for _, said in passed), numbers)
        return Result(numbers)


def _looks(crop: h5py.Group, landmarks: np.ndarray) -> Numbers:
    """Return sharpness and hash of some pictures of a crop."""
    offsets = crop["offsets"][:]
    chosen = {count: measures.spread(len(landmarks), count) for count in (SHARP, HASHED)}
    grey = {
        at: cv2.imdecode(crop["frames"][offsets[at] : offsets[at + 1]], cv2.IMREAD_GRAYSCALE)
        for at in sorted({*chosen[SHARP], *chosen[HASHED]})
    }
    sharpness = [measures.sharpness(grey[at], landmarks[at]) for at in chosen[SHARP]]
    return {
        "sharpness": measures.number(np.median(sharpness), 1),
        "picture_hash": "".join(f"{picture_hash(grey[at]):016x}" for at in chosen[HASHED]),
    }


def _hex(value: int | None) -> str | None:
    return None if value is None else f"{value:016x}"

"""All groups of metrics on one clip after the other, in one process or in several; nothing is measured twice.

What a clip's numbers are kept by: the bytes of its video and of the video that lends it other sound, the reference's
pictures, and of every group its version, settings and weights. So a method that is added, a metric that
is changed or weights that are placed cost their own work only.
"""

import hashlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing.connection import wait
from pathlib import Path

import cv2
import h5py
import numpy as np
import torch

from tavce import store
from tavce.dataset import Entry
from tavce.files import digest, sha256
from tavce.measure.beats import BeatGroup
from tavce.measure.clip import Clip, Sound, read_reference
from tavce.measure.correlation import TavcGroup
from tavce.measure.frechet_features import FidGroup, MobileNetGroup
from tavce.measure.groups import Group, Setup
from tavce.measure.identity import ArcFaceGroup, DlibGroup
from tavce.measure.image import ImageGroup
from tavce.measure.kept import Kept
from tavce.measure.landmark_distance import LandmarkGroup
from tavce.measure.landmarks import detect_landmarks
from tavce.measure.lip_sync import SyncGroup
from tavce.measure.measurements import Measurements
from tavce.measure.perceptual import LpipsGroup
from tavce.measure.pose import PoseGroup
from tavce.measure.reading import read_frames, read_sound
from tavce.measure.sync import LipsGroup
from tavce.records import ClipError

GROUPS: tuple[type[Group], ...] = (
    ImageGroup,
    LpipsGroup,
    FidGroup,
    MobileNetGroup,
    ArcFaceGroup,
    DlibGroup,
    LandmarkGroup,
    SyncGroup,
    LipsGroup,
    TavcGroup,
    PoseGroup,
    BeatGroup,
)
CLIPS_A_PROCESS = 4  # fewer are measured before a process has started
VERSION = 1  # of how videos are read for all groups, and faces found in real ones
FACES = "landmarks"  # name of what is kept of a real video
ONLY_CLIP = Sound(None, "no other clip was generated, so there is no other sound")


@dataclass(frozen=True)
class Task:
    """A clip to be measured: its line of the index and its video, and those of another clip that lends its sound."""

    entry: Entry
    video: Path
    other: tuple[Entry, Path] | None


@dataclass(frozen=True)
class Scored:
    """What was measured of a clip."""

    video_sha256: str
    measured: Measurements
    new: tuple[str, ...]  # groups that were measured now, not kept from before


@dataclass(frozen=True)
class Scorer:
    """Measures clips."""

    setup: Setup
    kept: Kept
    references: Kept  # real faces' landmarks, for every method's job
    kinds: tuple[type[Group], ...] = GROUPS

    @cached_property
    def groups(self) -> list[Group]:
        """The groups, with their weights in place."""
        return [kind(self.setup) for kind in self.kinds]

    @cached_property
    def _identities(self) -> dict[str, list[object]]:
        """What the results of each group are of, besides the clip; told once, as whole files of weights are hashed."""
        return {group.name: [group.name, group.version, group.depends()] for group in self.groups}

    def __call__(self, task: Task) -> Scored:
        """Return all measurements of a clip: those kept from before, and the others made now."""
        video = sha256(task.video)
        with store.open_shard(task.entry.crop) as crops:
            crop = crops[task.entry.clip_id]
            reference = self._reference_key(crop)
            keys = self._keys(video, task, reference)
            parts = self.kept.load(task.entry.clip_id, keys)
            missing = [group for group in self.groups if group.name not in parts]
            if missing:
                parts |= _measure(missing, lambda: self._clip(task, crop, reference))
                self.kept.save(task.entry.clip_id, keys, parts)
        return Scored(video, _joined([parts[group.name] for group in self.groups]), tuple(g.name for g in missing))

    def _reference_key(self, crop: h5py.Group) -> str:
        pictures = hashlib.sha256(crop["frames"][:].tobytes()).hexdigest()
        return digest([VERSION, pictures, self.setup.window.rate_hz, self.setup.side_px])

    def _keys(self, video: str, task: Task, reference: str) -> dict[str, str]:
        of_clip = [video, task.other and sha256(task.other[1]), reference]
        return {name: digest([*of_clip, *identity]) for name, identity in self._identities.items()}

    def _clip(self, task: Task, crop: h5py.Group, key: str) -> Clip:
        side_px, rate_hz = self.setup.side_px, self.setup.window.rate_hz
        return Clip(
            clip_id=task.entry.clip_id,
            frames=read_frames(task.video, rate_hz, side_px),
            reference=read_reference(crop, side_px, side_px),
            crop_px=int(crop.attrs["size_px"]),
            sound=read_sound(task.video, task.entry, rate_hz),
            other=read_sound(task.other[1], task.other[0], rate_hz) if task.other else ONLY_CLIP,
            settings=self.setup.settings,
            find_faces=partial(self._real_faces, task.entry.clip_id, key),
        )

    def _real_faces(self, clip_id: str, key: str, frames: list[np.ndarray]) -> np.ndarray:
        """Return the landmarks that another method's job has found in a real video, or find them for the next one."""
        kept = self.references.load(clip_id, {FACES: key})
        if FACES not in kept:
            kept = {FACES: Measurements(curves={FACES: detect_landmarks(frames)})}
            self.references.save(clip_id, {FACES: key}, kept)
        return kept[FACES].curves[FACES]


def score_all(scorer: Scorer, tasks: Sequence[Task], processes: int) -> Iterator[Scored]:
    """Yield what is measured of every task, in the tasks' order, by so many processes at most, one thread each."""
    processes = min(processes, len(tasks) // CLIPS_A_PROCESS)
    if processes <= 1:
        _one_thread()
        yield from map(scorer, tasks)
        return
    spawned = multiprocessing.get_context("spawn")  # a forked process could not use a GPU
    with ProcessPoolExecutor(processes, spawned, _enter, (scorer,)) as pool:
        yield from pool.map(_in_worker, tasks, chunksize=1)


_worker: list[Scorer] = []


def _enter(scorer: Scorer) -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _one_thread()
    _worker.append(scorer)


def _leave_with_parent() -> None:
    """End this process when its parent does, however: a killed one cannot tell its workers."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _in_worker(task: Task) -> Scored:
    return _worker[0](task)


def _one_thread() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _measure(groups: Iterable[Group], read: Callable[[], Clip]) -> dict[str, Measurements]:
    """Return what the groups measure; where the clip cannot be read, that is every metric's reason."""
    parts = {}
    try:
        clip = read()
    except ClipError as error:
        return {
            group.name: Measurements(dict.fromkeys(group.metrics), dict.fromkeys(group.metrics, str(error)))
            for group in groups
        }
    for group in groups:
        parts[group.name] = Measurements()
        group.measure(clip, parts[group.name])
    return parts


def _joined(parts: Iterable[Measurements]) -> Measurements:
    whole = Measurements()
    for part in parts:
        whole.metrics |= part.metrics
        whole.reasons |= part.reasons
        whole.curves |= part.curves
        whole.features |= {name: np.asarray(values) for name, values in part.features.items()}
    return whole

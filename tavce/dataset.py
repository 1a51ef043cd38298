"""Samples for the networks, read from the shards that an index names.

A draw is a number: draw n of a seed is always the same clip, frames and negatives, whatever the process, worker or
resume that asks for it. Every pass over the clips visits each once, in an order of its own.
Shapes: S the side of a picture, W mel steps of a window.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

import cv2
import h5py
import numpy as np
import pyarrow.parquet as pq
import torch
from cachetools import LRUCache, cachedmethod

from tavce import scratch, store
from tavce.config.learning import Window
from tavce.faces.points import mouth_centre
from tavce.records import InputError

CACHE_BYTES = 256 * 2**20  # decoded pictures, and as much again of small arrays, kept by a process
OPEN_FILES = 256  # shards a process holds open; many systems allow 1024


@dataclass(frozen=True)
class Entry:
    """A finished clip."""

    clip_id: str
    dataset: str
    split: str
    speaker: str
    source: str
    shard: str
    first_frame: int  # of the trimmed clip
    frames: int
    mel_steps: int
    trim: str
    crop: str
    mel: str
    motion: str


def read_index(paths: Iterable[str], split: str | None = None) -> list[Entry]:
    """Return the clips of indexes, of one split where it is named.

    Raises:
        InputError: no clip is left.
    """
    names = [*Entry.__dataclass_fields__]
    rows = [row for path in paths for row in pq.read_table(path, columns=names).to_pylist()]
    entries = [Entry(**row) for row in rows if split in (None, row["split"])]
    if not entries:
        raise InputError(f"{', '.join(paths)}: no clip of split {split}")
    return entries


def index_digest(paths: Iterable[str]) -> str:
    """Return 16 hexadecimal digits of what the indexes list."""
    rows = [sorted(map(str, row.items())) for path in paths for row in pq.read_table(path).to_pylist()]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


class _OpenShards(LRUCache):
    """Open shard files by process and path; the one that was not used for longest is closed."""

    def popitem(self) -> tuple[tuple[int, str], h5py.File]:
        key, file = super().popitem()
        file.close()
        return key, file


class Clips:
    """Reads frames, mel windows and coefficients; keeps shard files open, and what is asked for again in memory.

    Where the node has a scratch (`tavce.scratch`), shards are read from copies there.
    """

    def __init__(self, window: Window):
        scratch.enter()
        self._window = window
        self._files = _OpenShards(OPEN_FILES)
        self._pictures: LRUCache = LRUCache(CACHE_BYTES, getsizeof=attrgetter("nbytes"))
        self._arrays: LRUCache = LRUCache(CACHE_BYTES, getsizeof=attrgetter("nbytes"))

    def __getstate__(self) -> dict[str, Window]:
        return {"window": self._window}

    def __setstate__(self, state: dict[str, Window]) -> None:
        self.__init__(state["window"])

    def _group(self, path: str, clip_id: str) -> h5py.Group:
        key = (os.getpid(), path)  # a forked loader process must not read through its parent's files
        if key not in self._files:
            near = scratch.local(path)
            with store.open_shard(near):
                pass
            self._files[key] = h5py.File(near, "r")
        return self._files[key][clip_id]

    @cachedmethod(attrgetter("_arrays"))
    def _array(self, path: str, clip_id: str, name: str) -> np.ndarray:
        return self._group(path, clip_id)[name][:]

    def landmarks(self, entry: Entry) -> np.ndarray:
        """Return landmarks float32 [T, 68, 2], px in the crop."""
        return self._array(entry.crop, entry.clip_id, "landmarks")

    def motion(self, entry: Entry) -> np.ndarray:
        """Return motion coefficients float32 [T, 70]."""
        return self._array(entry.motion, entry.clip_id, "motion")

    def mel(self, entry: Entry, frame: int) -> np.ndarray:
        """Return the mel window float32 [W, 80] of a frame, indices clamped to the clip (paper.md, stage 1)."""
        steps = mel_steps(self._window, frame, entry.mel_steps)
        low, high = int(steps[0]), int(steps[-1])
        return self._group(entry.mel, entry.clip_id)["mel"][low : high + 1][steps - low]

    def crop_side(self, entry: Entry) -> int:
        """Return the side of the stored crops, px."""
        return int(self._group(entry.crop, entry.clip_id).attrs["size_px"])

    def picture(self, entry: Entry, frame: int, side_px: int) -> np.ndarray:
        """Return a frame uint8 [S, S, 3] RGB."""
        key = (entry.crop, entry.clip_id, frame, side_px)
        if key not in self._pictures:
            self._pictures[key] = _resize(self._decode(entry, frame), side_px)
        return self._pictures[key]

    def mouth(self, entry: Entry, frame: int, box_px: int, side_px: int) -> np.ndarray:
        """Return the mouth box of a frame, uint8 [S, S, 3] RGB: `box_px` of the crop resized to `side_px`."""
        key = (entry.crop, entry.clip_id, frame, box_px, side_px)
        if key not in self._pictures:
            left, top = mouth_box(self.landmarks(entry)[frame], box_px, self.crop_side(entry))
            decoded = self._decode(entry, frame)
            self._pictures[key] = _resize(decoded[top : top + box_px, left : left + box_px], side_px)
        return self._pictures[key]

    def _decode(self, entry: Entry, frame: int) -> np.ndarray:
        data = store.picture(self._group(entry.crop, entry.clip_id), frame)
        return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def mel_steps(window: Window, frame: int, available: int) -> np.ndarray:
    """Return the mel indices int64 [W] of a frame's window.

    Starts at int(mel_rate · (frame − lead) / rate), truncated towards zero, and is clamped to the clip.
    """
    start = int(window.mel_rate_hz * (frame - window.lead_frames) / window.rate_hz)
    return np.clip(np.arange(start, start + window.steps), 0, available - 1)


def mouth_box(landmarks_px: np.ndarray, box_px: int, side_px: int) -> tuple[int, int]:
    """Return left, top of the box of `box_px` around the mouth of one face [68, 2], kept inside the crop.

    Source: the released code; the centre is the median of the 20 mouth points.
    """
    corner = np.clip(np.round(mouth_centre(landmarks_px) - box_px / 2), 0, side_px - box_px)
    return int(corner[0]), int(corner[1])


def _resize(picture: np.ndarray, side_px: int) -> np.ndarray:
    if picture.shape[0] == side_px:
        return np.ascontiguousarray(picture)
    shrinks = picture.shape[0] > side_px
    return cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def to_unit(pictures: np.ndarray) -> torch.Tensor:
    """Return uint8 [..., S, S, 3] as float32 [..., 3, S, S] in [0, 1].

    Contiguous, as batches from a loader process are: another layout in memory gives convolutions another rounding.
    """
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pictures, -1, -3), np.float32) / 255)


class Draws(torch.utils.data.Dataset):
    """Numbered draws from clips: subclasses make the sample."""

    def __init__(self, entries: Sequence[Entry], clips: Clips, seed: int):
        self.entries = list(entries)
        self.clips = clips
        self.seed = seed

    def __getitem__(self, draw: int) -> dict[str, torch.Tensor]:
        entry = self.entries[order(self.seed, draw // len(self.entries), len(self.entries))[draw % len(self.entries)]]
        return self.sample(entry, np.random.default_rng([self.seed, draw]))

    def sample(self, entry: Entry, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """Return one sample of a clip; everything random comes from `random`."""
        raise AssertionError(f"{type(self).__name__} makes no sample")


@lru_cache(maxsize=16)
def order(seed: int, number: int, count: int) -> np.ndarray:
    """Return the order in which pass `number` visits `count` clips."""
    return np.random.default_rng([seed, number, count]).permutation(count)


@dataclass(frozen=True)
class DrawRange(torch.utils.data.Sampler):
    """The draws of steps `start` … `stop` − 1: a rank takes its own share of each step's batch."""

    start: int
    stop: int
    batch: int
    rank: int = 0
    ranks: int = 1

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.stop):
            first = (step * self.ranks + self.rank) * self.batch
            yield [*range(first, first + self.batch)]

    def __len__(self) -> int:
        return self.stop - self.start

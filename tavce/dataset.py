"""Samples for the networks, read from the shards that an index names.

A draw is a number: draw n of a seed is always the same clip, frames and negatives, whatever the process, worker or
resume that asks for it. Every pass over the clips visits each once, in an order of its own.
Shapes: S the side of a picture, W mel steps of a window.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
from cachetools import LRUCache, cachedmethod

from tavce.config.learning import Window
from tavce.faces.points import mouth_box
from tavce.records import InputError
from tavce.shard_reader import Place, ShardReader

CACHE_BYTES = 128 * 2**20  # decoded pictures, and as much again of small arrays, kept by a process
KEPT_BYTES = 512  # what keeping an array costs besides its numbers


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
    crop_digest: str
    mel_digest: str
    motion_digest: str

    def place(self, stage: str) -> Place:
        """Return where the arrays of `crop`, `mel` or `motion` lie."""
        return Place(stage, getattr(self, stage), getattr(self, f"{stage}_digest"), self.clip_id)


def read_index(paths: Iterable[str], split: str | None = None) -> list[Entry]:
    """Return the clips of indexes, of one split where it is named.

    Raises:
        InputError: no clip is left, or an index lacks a column.
    """
    names = [*Entry.__dataclass_fields__]
    for path in paths:
        if missing := [name for name in names if name not in pq.read_schema(path).names]:
            raise InputError(f"{path} has no column {missing[0]}, an older version wrote it: rerun the stage index")
    rows = [row for path in paths for row in pq.read_table(path, columns=names).to_pylist()]
    entries = [Entry(**row) for row in rows if split in (None, row["split"])]
    if not entries:
        raise InputError(f"{', '.join(paths)}: no clip of split {split}")
    return entries


def index_digest(paths: Iterable[str]) -> str:
    """Return 16 hexadecimal digits of what the indexes list."""
    rows = [sorted(map(str, row.items())) for path in paths for row in pq.read_table(path).to_pylist()]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


class Clips:
    """Reads frames, mel windows and coefficients; keeps shard files open, and what is asked for again in memory.

    All of it raises InputError where a shard is not what the index says (`tavce.shard_reader`).
    """

    def __init__(self, window: Window):
        cv2.setNumThreads(1)  # before loaders are forked: one that finds OpenCV's threads started can hang
        self._window = window
        self._reader = ShardReader()
        self._pictures: LRUCache = LRUCache(CACHE_BYTES, getsizeof=_kept_bytes)
        self._arrays: LRUCache = LRUCache(CACHE_BYTES, getsizeof=_kept_bytes)

    def __getstate__(self) -> dict[str, Window]:
        return {"window": self._window}

    def __setstate__(self, state: dict[str, Window]) -> None:
        self.__init__(state["window"])

    @cachedmethod(attrgetter("_arrays"))
    def _array(self, place: Place, name: str) -> np.ndarray:
        return self._reader.whole(place, name)

    @cachedmethod(attrgetter("_arrays"))
    def _landmarks(self, place: Place) -> np.ndarray:
        landmarks = self._reader.whole(place, "landmarks")
        bad = np.flatnonzero(~np.isfinite(landmarks).all(axis=(1, 2)))
        if len(bad):
            raise InputError(
                f"clip {place.clip_id}: frame {bad[0]} has no landmarks in {place.path}: rerun the stage {place.stage}"
            )
        return landmarks

    @cachedmethod(attrgetter("_arrays"))
    def _mouth_offsets(self, place: Place, box_px: int) -> np.ndarray:
        """Return where the stored mouths begin and end, [T + 1]; nothing where none of this size are stored."""
        if self._reader.number(place, "mouth_px") != box_px:
            return np.empty(0, np.int64)
        return self._reader.whole(place, "mouth_offsets")

    def landmarks(self, entry: Entry) -> np.ndarray:
        """Return landmarks float32 [T, 68, 2], px in the crop; InputError where a frame has none."""
        return self._landmarks(entry.place("crop"))

    def motion(self, entry: Entry) -> np.ndarray:
        """Return motion coefficients float32 [T, 70]."""
        return self._array(entry.place("motion"), "motion")

    def spectrogram(self, entry: Entry) -> np.ndarray:
        """Return the clip's log-mel spectrogram float32 [M, 80]."""
        return self._array(entry.place("mel"), "mel")

    def mels(self, entry: Entry, frames: Sequence[int]) -> np.ndarray:
        """Return the mel windows float32 [F, W, 80] of frames, indices clamped to the clip (paper.md, stage 1)."""
        steps = mel_steps(self._window, frames, entry.mel_steps)
        low, high = int(steps.min()), int(steps.max())
        place = entry.place("mel")
        if high - low < steps.size:  # windows that overlap are one read
            return self._reader.rows(place, "mel", [(low, high + 1)])[0][steps - low]
        windows = self._reader.rows(place, "mel", ((row[0], row[-1] + 1) for row in steps.tolist()))
        return np.stack([window[row - row[0]] for window, row in zip(windows, steps, strict=True)])

    def mel(self, entry: Entry, frame: int) -> np.ndarray:
        """Return the mel window float32 [W, 80] of a frame."""
        return self.mels(entry, [frame])[0]

    def crop_side(self, entry: Entry) -> int:
        """Return the side of the stored crops, px."""
        return self._reader.number(entry.place("crop"), "size_px")

    def picture(self, entry: Entry, frame: int, side_px: int) -> np.ndarray:
        """Return a frame uint8 [S, S, 3] RGB."""
        key = (entry.crop, entry.clip_id, frame, side_px)
        kept = self._pictures.get(key)
        if kept is None:
            kept = self._pictures[key] = resized(self._frame(entry, frame), side_px)
        return kept

    def mouths(self, entry: Entry, frames: Sequence[int], box_px: int, side_px: int) -> np.ndarray:
        """Return the mouth boxes of frames, uint8 [F, S, S, 3] RGB: `box_px` of the crop resized to `side_px`.

        They are those the shard stores, where it stores this size, and else cut out of the frames.
        """
        keys = [(entry.crop, entry.clip_id, frame, box_px, side_px) for frame in frames]
        kept = {key: self._pictures.get(key) for key in keys}
        new = {key: frame for key, frame in zip(keys, frames, strict=True) if kept[key] is None}
        for key, mouth in zip(new, self._read_mouths(entry, [*new.values()], box_px), strict=True):
            kept[key] = self._pictures[key] = resized(mouth, side_px)
        return np.stack([kept[key] for key in keys])

    def mouth(self, entry: Entry, frame: int, box_px: int, side_px: int) -> np.ndarray:
        """Return the mouth box of a frame, uint8 [S, S, 3] RGB."""
        return self.mouths(entry, [frame], box_px, side_px)[0]

    def _read_mouths(self, entry: Entry, frames: Sequence[int], box_px: int) -> Iterable[np.ndarray]:
        """Return the mouth boxes of frames as they are stored or cut."""
        place = entry.place("crop")
        if not frames:
            return []
        offsets = self._mouth_offsets(place, box_px)
        if len(offsets):
            spans = (offsets[frame : frame + 2].tolist() for frame in frames)
            return map(_decode, self._reader.rows(place, "mouths", spans))
        landmarks, side_px = self.landmarks(entry), self.crop_side(entry)
        corners = (mouth_box(landmarks[frame], box_px, side_px) for frame in frames)
        return [
            self._frame(entry, frame)[top : top + box_px, left : left + box_px]
            for frame, (left, top) in zip(frames, corners, strict=True)
        ]

    def _frame(self, entry: Entry, frame: int) -> np.ndarray:
        place = entry.place("crop")
        span = self._array(place, "offsets")[frame : frame + 2].tolist()
        return _decode(self._reader.rows(place, "frames", [span])[0])


def mel_steps(window: Window, frames: Sequence[int], available: int) -> np.ndarray:
    """Return the mel indices int64 [F, W] of frames' windows.

    Each starts at int(mel_rate · (frame − lead) / rate), truncated towards zero, and is clamped to the clip.
    """
    starts = [int(window.mel_rate_hz * (frame - window.lead_frames) / window.rate_hz) for frame in frames]
    return np.minimum(np.maximum(np.add.outer(starts, np.arange(window.steps)), 0), available - 1)


def _kept_bytes(array: np.ndarray) -> int:
    return array.nbytes + KEPT_BYTES


def _decode(jpeg: np.ndarray) -> np.ndarray:
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB)


def resized(picture: np.ndarray, side_px: int) -> np.ndarray:
    """Return a square picture uint8 [S, S, 3] at another side, as the networks are given it."""
    if picture.shape[0] == side_px:
        return np.ascontiguousarray(picture)
    shrinks = picture.shape[0] > side_px
    return cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def to_unit(pictures: np.ndarray) -> torch.Tensor:
    """Return uint8 [..., S, S, 3] as float32 [..., 3, S, S] in [0, 1].

    Contiguous, as batches from a loader process are: another layout in memory gives convolutions another rounding.
    """
    unit = np.ascontiguousarray(np.moveaxis(pictures, -1, -3)).astype(np.float32)
    unit /= 255
    return torch.from_numpy(unit)


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

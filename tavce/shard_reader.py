"""Shard files as training reads them: many at random, a few rows of each at a time.

Files stay open, and the one that was not used for longest is closed. A file that is not the one the index was made of
is refused. A clip's arrays are found by HDF5's own calls: h5py's groups and datasets take longer than decoding a mouth.
Where the node has a scratch (`tavce.scratch`), shards are read from copies there.
"""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass

import h5py
import numpy as np
from cachetools import LRUCache

from tavce import scratch, store
from tavce.records import InputError

OPEN_FILES = 256  # shards a process holds open; many systems allow 1024
METADATA_BYTES = 2**18  # of each, kept in memory: HDF5's own limit is 32 MB, and draws at random reach it in vain


@dataclass(frozen=True)
class Place:
    """Where an index says that a stage's arrays of a clip lie."""

    stage: str
    path: str
    digest: str  # of the file
    clip_id: str


class ShardReader:
    """Reads arrays and attributes of clips; a process that is forked opens files of its own.

    What it reads raises InputError where the file is not there, cannot be read, is not the one of the index, or lacks
    the clip or the array.
    """

    def __init__(self) -> None:
        scratch.enter()
        self._files = _OpenFiles(OPEN_FILES)

    def whole(self, place: Place, name: str) -> np.ndarray:
        """Return an array of a clip."""
        return h5py.Dataset(self._dataset(self._file(place), place, name))[()]

    def rows(self, place: Place, name: str, spans: Iterable[tuple[int, int]]) -> list[np.ndarray]:
        """Return rows `start` … `stop` − 1 of an array of a clip, which must be there, for every span.

        An array that is stored in one piece, as this project stores them, is read where it lies in the file: HDF5 takes
        ten times as long, and reads 64 KB around what it is asked for.
        """
        file = self._file(place)
        dataset = self._dataset(file, place, name)
        start_byte = dataset.get_offset()
        if start_byte is None:  # compressed by somebody, or nothing
            return [h5py.Dataset(dataset)[start:stop] for start, stop in spans]
        handle, kind, row = file.id.get_vfd_handle(), dataset.dtype, dataset.shape[1:]
        row_bytes = math.prod(row) * kind.itemsize
        parts = []
        for start, stop in spans:
            part = np.empty((stop - start, *row), kind)
            if os.preadv(handle, [part], start_byte + start * row_bytes) != part.nbytes:
                raise InputError(f"{place.path} is cut off in clip {place.clip_id}: {_rerun(place)}")
            parts.append(part)
        return parts

    def number(self, place: Place, name: str) -> int | None:
        """Return a whole number among a clip's attributes, None where it has none of that name."""
        file = self._file(place)
        try:
            clip = h5py.h5o.open(file.id, place.clip_id.encode())
        except KeyError:
            raise InputError(f"{place.path} has no clip {place.clip_id}: {_rerun(place)}") from None
        if not h5py.h5a.exists(clip, name.encode()):
            return None
        value = np.empty((), np.int64)
        h5py.h5a.open(clip, name.encode()).read(value)
        return int(value)

    def _dataset(self, file: h5py.File, place: Place, name: str) -> h5py.h5d.DatasetID:
        try:
            return h5py.h5d.open(file.id, f"{place.clip_id}/{name}".encode())
        except KeyError:
            raise InputError(f"{place.path} has no {name} of clip {place.clip_id}: {_rerun(place)}") from None

    def _file(self, place: Place) -> h5py.File:
        key = (os.getpid(), place.path)  # a forked loader process must not read through its parent's files
        opened = self._files.get(key)
        if opened is None:
            opened = self._files[key] = _open(place)
        file, digest = opened
        if digest != place.digest:
            raise InputError(_of_another_index(place, digest))
        return file


def _open(place: Place) -> tuple[h5py.File, str | None]:
    """Return a shard file and its digest."""
    remedy = f"clip {place.clip_id} of the index is read from it: {_rerun(place)}"
    try:
        file = h5py.File(scratch.local(place.path), "r")
    except FileNotFoundError:
        raise InputError(f"{place.path} is not there, and {remedy}") from None
    except OSError as error:
        raise InputError(f"{place.path} cannot be read ({error}), and {remedy}") from error
    store.check_format(file)
    cache = file.id.get_mdc_config()
    cache.set_initial_size, cache.initial_size, cache.min_size, cache.max_size = True, *[METADATA_BYTES] * 3
    file.id.set_mdc_config(cache)
    return file, file.attrs.get("digest")


def _of_another_index(place: Place, digest: str | None) -> str:
    if digest is None:
        return f"clip {place.clip_id}: {place.path} has no digest: {_rerun(place)}"
    return (
        f"clip {place.clip_id}: {place.path} has the digest {digest}, the index was made of one with {place.digest}: "
        f"rerun index, or the stage {place.stage} where that file is not the one meant"
    )


def _rerun(place: Place) -> str:
    return f"rerun the stage {place.stage}, then index"


class _OpenFiles(LRUCache):
    """Open shard files, with their digests, by process and path; the one that was not used for longest is closed."""

    def popitem(self) -> tuple[tuple[int, str], tuple[h5py.File, str | None]]:
        key, opened = super().popitem()
        opened[0].close()
        return key, opened

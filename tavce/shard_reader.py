"""Shard files as training reads them: many at random, a few rows of each at a time.

Files stay open, and the one that was not used for longest is closed. A file that is not the one the index was made of
is refused. Rows are read by HDF5's own calls: h5py's groups and datasets take longer to open than a mouth to decode.
Where the node has a scratch (`tavce.scratch`), shards are read from copies there.
"""

import os
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


class StoredArray:
    """An array of a shard file, read by rows."""

    def __init__(self, file: h5py.File, path: str):
        self._id = h5py.h5d.open(file.id, path.encode())
        self._space = self._id.get_space()
        self._shape = self._id.shape

    def __len__(self) -> int:
        return self._shape[0]

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return rows `start` … `stop` − 1, which must be there."""
        shape = (int(stop) - int(start), *self._shape[1:])
        part = np.empty(shape, self._id.dtype)
        if part.size:
            self._space.select_hyperslab((int(start), *[0] * (len(shape) - 1)), shape)
            self._id.read(h5py.h5s.create_simple(shape), self._space, part)
        return part


class ShardReader:
    """Reads arrays and attributes of clips; a process that is forked opens files of its own."""

    def __init__(self) -> None:
        scratch.enter()
        self._files = _OpenFiles(OPEN_FILES)

    def array(self, place: Place, name: str) -> StoredArray:
        """Return an array of a clip.

        Raises:
            InputError: the file is not there, cannot be read or is not the one of the index, or lacks the array.
        """
        file = self._file(place)
        try:
            return StoredArray(file, f"{place.clip_id}/{name}")
        except KeyError:
            raise InputError(
                f"{place.path} has no {name} of clip {place.clip_id}: rerun the stage {place.stage}, then index"
            ) from None

    def number(self, place: Place, name: str) -> int | None:
        """Return a whole number among a clip's attributes, None where it has none of that name.

        Raises:
            InputError: as `array`.
        """
        file, clip = self._file(place).id, place.clip_id.encode()
        if clip not in file:
            raise InputError(f"{place.path} has no clip {place.clip_id}: rerun the stage {place.stage}, then index")
        if not h5py.h5a.exists(file, name.encode(), obj_name=clip):
            return None
        value = np.empty((), np.int64)
        h5py.h5a.open(file, name.encode(), obj_name=clip).read(value)
        return int(value)

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
    remedy = f"clip {place.clip_id} of the index is read from it: rerun the stage {place.stage}, then index"
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
        return f"clip {place.clip_id}: {place.path} has no digest: rerun the stage {place.stage}, then index"
    return (
        f"clip {place.clip_id}: {place.path} has the digest {digest}, the index was made of one with {place.digest}: "
        f"rerun index, or the stage {place.stage} where that file is not the one meant"
    )


class _OpenFiles(LRUCache):
    """Open shard files, with their digests, by process and path; the one that was not used for longest is closed."""

    def popitem(self) -> tuple[tuple[int, str], tuple[h5py.File, str | None]]:
        key, opened = super().popitem()
        opened[0].close()
        return key, opened

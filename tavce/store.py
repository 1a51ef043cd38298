"""The HDF5 layout: one file a shard and stage, one group a clip.

Arrays (T frames at 25 fps, M mel steps at 80 a second, N samples at 16 kHz):
    trim    video    uint8 [bytes of an mp4]        wave      int16 [N]
            boxes    float32 [T, 4] px in the trimmed video: the annotated face; only where one is annotated
    detect  boxes    float32 [T, 4] px              landmarks float32 [T, 68, 2] px, both in the trimmed video,
            of T frames from the attribute `first_frame` on
    crop    frames   uint8 [bytes] of JPEGs         offsets   int64 [T + 1]
            landmarks float32 [T, 68, 2] px in the crop; attributes: `size_px`, `first_frame` of the trimmed video,
            `to_crop`, the affine map from its pixels, row by row
    mel     mel      float32 [M, 80]
    motion  motion   float32 [T, 70]                blink     float32 [T] eye opening, of the eyes' distance
File attributes: format, stage, version, settings (digest). Group attributes: what the stage says of the clip.
"""

import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from tavce.files import whole

FORMAT = 1
BLOCK_BYTES = 2**23  # read or written at once where an array may be larger than memory


@dataclass(frozen=True)
class Origin:
    """What made a file: stage, the stage's version, and the digest of its settings."""

    stage: str
    version: int
    settings: str


@dataclass(frozen=True)
class Spooled:
    """An array uint8 [n] that may not fit into memory: the bytes of a file, which goes when they are stored."""

    path: Path


class PictureFile:
    """Gathers compressed pictures in a file, so that a clip takes no memory, however long."""

    def __init__(self, folder: Path):
        """Begin a file in a folder."""
        self._file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115
        self._sizes = [0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._file.close()
        if kind:
            Path(self._file.name).unlink()

    def add(self, picture: bytes) -> None:
        """Add a picture."""
        self._file.write(picture)
        self._sizes.append(len(picture))

    def arrays(self) -> dict[str, np.ndarray | Spooled]:
        """Return the pictures as `frames` and `offsets`; nothing can be added any more."""
        self._file.close()
        return {"frames": Spooled(Path(self._file.name)), "offsets": np.cumsum(self._sizes, dtype=np.int64)}


class ShardWriter:
    """Adds clips to one open shard file."""

    def __init__(self, file: h5py.File):
        self._file = file

    def put(self, clip_id: str, arrays: Mapping[str, np.ndarray | Spooled], **attributes: str | int | float) -> None:
        """Store a clip's arrays and attributes under its id; files of spooled arrays are removed."""
        group = self._file.create_group(clip_id)
        for name, array in arrays.items():
            if isinstance(array, Spooled):
                _copy(array.path, group, name)
                array.path.unlink()
            else:
                group.create_dataset(name, data=array)
        group.attrs.update(attributes)


def _copy(path: Path, group: h5py.Group, name: str) -> None:
    dataset = group.create_dataset(name, (path.stat().st_size,), np.uint8)
    with open(path, "rb") as file:
        for start in range(0, len(dataset), BLOCK_BYTES):
            block = np.frombuffer(file.read(BLOCK_BYTES), np.uint8)
            dataset[start : start + len(block)] = block


@contextmanager
def create(path: str | Path, origin: Origin) -> Iterator[ShardWriter]:
    """Yield a writer for a new shard file, which appears at `path` only when the block ends well."""
    with whole(path) as part, h5py.File(part, "w", libver="latest") as file:
        file.attrs.update(format=FORMAT, stage=origin.stage, version=origin.version, settings=origin.settings)
        yield ShardWriter(file)


@contextmanager
def open_shard(path: str | Path) -> Iterator[h5py.File]:
    """Yield a shard file for reading.

    Raises:
        ValueError: the file was written in another format than this code reads.
    """
    with h5py.File(path, "r") as file:
        found = file.attrs.get("format")
        if found != FORMAT:
            raise ValueError(
                f"{path}: store format {found}, this version reads {FORMAT}: rerun the stage that wrote it"
            )
        yield file


def picture(group: h5py.Group, index: int) -> np.ndarray:
    """Return the bytes (uint8 [n]) of one packed picture; one read."""
    start, end = group["offsets"][index : index + 2]
    return group["frames"][start:end]


def sound(clip: h5py.Group, frames: range, samples_per_frame: int) -> np.ndarray:
    """Return the sound float32 [N] in [-1, 1] of some frames of a trimmed clip; shorter where its wave is."""
    wave = clip["wave"][frames.start * samples_per_frame : frames.stop * samples_per_frame].astype(np.float32)
    wave /= 32768
    return wave


def to_crop(crop: h5py.Group) -> np.ndarray:
    """Return the affine map float64 [2, 3] from the trimmed video's pixels to those of a stored crop."""
    return np.float64(crop.attrs["to_crop"].split()).reshape(2, 3)


def reader(array: h5py.Dataset) -> io.BufferedReader:
    """Return a stored file, uint8 [n], as an open file that is read as it is needed."""
    return io.BufferedReader(_Stored(array), BLOCK_BYTES)


class _Stored(io.RawIOBase):
    """The bytes of an array as a file."""

    def __init__(self, array: h5py.Dataset):
        self._array, self._at = array, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._array)}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        data = self._array[self._at : self._at + len(buffer)]
        buffer[: len(data)] = data.tobytes()
        self._at += len(data)
        return len(data)

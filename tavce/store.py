"""The HDF5 layout: one file a shard and stage, one group a clip.

Arrays (T frames at 25 fps, M mel steps at 80 a second, N samples at 16 kHz):
    trim    video    uint8 [bytes of an mp4]        wave      int16 [N]
            boxes    float32 [T, 4] px in the trimmed video: the annotated face; only where one is annotated
    detect  boxes    float32 [T, 4] px              landmarks float32 [T, 68, 2] px, both in the trimmed video,
            of T frames from the attribute `first_frame` on
    crop    frames   uint8 [bytes] of JPEGs         offsets   int64 [T + 1]
            mouths   uint8 [bytes] of JPEGs         mouth_offsets int64 [T + 1]: of every frame the square of `mouth_px`
            around the mouth (`tavce.faces.points.mouth_box`), cut out of its pixels before they were compressed
            landmarks float32 [T, 68, 2] px in the crop; attributes: `size_px`, `mouth_px`, `first_frame` of the trimmed
            video, `to_crop`, the affine map from its pixels, row by row
    mel     mel      float32 [M, 80]
    motion  motion   float32 [T, 70]                blink     float32 [T] eye opening, of the eyes' distance
File attributes: format, stage, version, settings (digest), and `digest` of what was put, the same for the same clips.
Group attributes: what the stage says of the clip.
"""

import hashlib
import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from tavce.files import whole
from tavce.records import InputError

FORMAT = 1
FRAMES = ("frames", "offsets")  # the arrays of pictures packed one after the other
MOUTHS = ("mouths", "mouth_offsets")
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

    def arrays(self, names: tuple[str, str] = FRAMES) -> dict[str, np.ndarray | Spooled]:
        """Return the pictures and their offsets under these names; nothing can be added any more."""
        self._file.close()
        return dict(zip(names, (Spooled(Path(self._file.name)), np.cumsum(self._sizes, dtype=np.int64)), strict=True))


class ShardWriter:
    """Adds clips to one open shard file."""

    def __init__(self, file: h5py.File):
        self._file = file
        self._digest = hashlib.sha256()

    def put(self, clip_id: str, arrays: Mapping[str, np.ndarray | Spooled], **attributes: str | int | float) -> None:
        """Store a clip's arrays and attributes under its id; files of spooled arrays are removed."""
        group = self._file.create_group(clip_id)
        self._note(clip_id, attributes)
        for name, array in arrays.items():
            if isinstance(array, Spooled):
                self._copy(array.path, group, name)
                array.path.unlink()
            else:
                stored = np.ascontiguousarray(array)
                self._note(name, stored.dtype.str, stored.shape)
                self._digest.update(stored.data)
                group.create_dataset(name, data=stored)
        group.attrs.update(attributes)

    def digest(self) -> str:
        """Return 16 hexadecimal digits of everything put so far, in its order."""
        return self._digest.hexdigest()[:16]

    def _copy(self, path: Path, group: h5py.Group, name: str) -> None:
        dataset = group.create_dataset(name, (path.stat().st_size,), np.uint8)
        self._note(name, dataset.dtype.str, dataset.shape)
        with open(path, "rb") as file:
            for start in range(0, len(dataset), BLOCK_BYTES):
                block = np.frombuffer(file.read(BLOCK_BYTES), np.uint8)
                self._digest.update(block.data)
                dataset[start : start + len(block)] = block

    def _note(self, *said: object) -> None:
        self._digest.update(json.dumps(said, sort_keys=True, default=np.generic.item).encode())


@contextmanager
def create(path: str | Path, origin: Origin) -> Iterator[ShardWriter]:
    """Yield a writer for a new shard file, which appears at `path` only when the block ends well."""
    with whole(path) as part, h5py.File(part, "w", libver="latest") as file:
        file.attrs.update(format=FORMAT, stage=origin.stage, version=origin.version, settings=origin.settings)
        writer = ShardWriter(file)
        yield writer
        file.attrs["digest"] = writer.digest()


@contextmanager
def open_shard(path: str | Path) -> Iterator[h5py.File]:
    """Yield a shard file for reading.

    Raises:
        InputError: the file was written in another format than this code reads.
    """
    with h5py.File(path, "r") as file:
        check_format(file)
        yield file


def check_format(file: h5py.File) -> None:
    """Make sure that this code can read a shard file.

    Raises:
        InputError: it was written in another format.
    """
    found = file.attrs.get("format")
    if found != FORMAT:
        raise InputError(
            f"{file.filename}: store format {found}, this version reads {FORMAT}: rerun the stage that wrote it"
        )


def stored_digest(path: str | Path) -> str:
    """Return the digest of what a shard file holds, as its writer noted it.

    Raises:
        InputError: it was written before digests were.
    """
    with open_shard(path) as file:
        if "digest" not in file.attrs:
            raise InputError(f"{path} has no digest, an older version wrote it: rerun the stage that wrote it")
        return file.attrs["digest"]


def picture(group: h5py.Group, index: int) -> np.ndarray:
    """Return the bytes (uint8 [n]) of one packed picture; one read."""
    start, end = group["offsets"][index : index + 2]
    return group["frames"][start:end]


def sound(clip: h5py.Group, frames: range, samples_per_frame: int) -> np.ndarray:
    """Return the sound float32 [N] in [-1, 1] of some frames of a trimmed clip; shorter where its wave is."""
    wave = clip["wave"][frames.start * samples_per_frame : frames.stop * samples_per_frame].astype(np.float32)
    wave /= 32768
    return wave


def clip_sound(path: str, clip_id: str, frames: range, samples_per_frame: int) -> np.ndarray:
    """Return the sound of a clip of a trimmed shard, as `sound` does."""
    with open_shard(path) as trimmed:
        return sound(trimmed[clip_id], frames, samples_per_frame)


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

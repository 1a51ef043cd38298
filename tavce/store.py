"""The HDF5 layout: one file a shard and stage, one group a clip.

Arrays (T frames at 25 fps, M mel steps at 80 a second, N samples at 16 kHz):
    trim    video    uint8 [bytes of an mp4]        wave      int16 [N]
            boxes    float32 [T, 4] px in the trimmed video: the annotated face; only where one is annotated
    detect  boxes    float32 [T, 4] px              landmarks float32 [T, 68, 2] px, both in the source frame
    crop    frames   uint8 [bytes] of JPEGs         offsets   int64 [T + 1]
            landmarks float32 [T, 68, 2] px in the crop
    mel     mel      float32 [M, 80]
    motion  motion   float32 [T, 70]
File attributes: format, stage, version, settings (digest). Group attributes: what the stage says of the clip.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from tavce.files import whole

FORMAT = 1


@dataclass(frozen=True)
class Origin:
    """What made a file: stage, the stage's version, and the digest of its settings."""

    stage: str
    version: int
    settings: str


class ShardWriter:
    """Adds clips to one open shard file."""

    def __init__(self, file: h5py.File):
        self._file = file

    def put(self, clip_id: str, arrays: Mapping[str, np.ndarray], **attributes: str | int | float) -> None:
        """Store a clip's arrays and attributes under its id."""
        group = self._file.create_group(clip_id)
        for name, array in arrays.items():
            group.create_dataset(name, data=array)
        group.attrs.update(attributes)


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


def pack(pictures: Sequence[bytes]) -> dict[str, np.ndarray]:
    """Return compressed pictures as one flat array and the offsets between them."""
    offsets = np.cumsum([0, *map(len, pictures)], dtype=np.int64)
    return {"frames": np.frombuffer(b"".join(pictures), np.uint8), "offsets": offsets}


def picture(group: h5py.Group, index: int) -> np.ndarray:
    """Return the bytes (uint8 [n]) of one packed picture; one read."""
    start, end = group["offsets"][index : index + 2]
    return group["frames"][start:end]


def sound(clip: h5py.Group, frames: range, samples_per_frame: int) -> np.ndarray:
    """Return the sound float32 [N] in [-1, 1] of some frames of a trimmed clip; shorter where its wave is."""
    wave = clip["wave"][frames.start * samples_per_frame : frames.stop * samples_per_frame]
    return wave.astype(np.float32) / 32768

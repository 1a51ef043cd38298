"""Files one after another: as one file that is only read, and their MD5."""

import hashlib
import io
import logging
import math
import os
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path

from tavce.progress import progress
from tavce.records import InputError

log = logging.getLogger(__name__)
CHUNK_BYTES = 2**20


class Joined(io.RawIOBase):
    """The bytes of several files as one seekable file, without a copy of them.

    Raises:
        InputError: a file cannot be opened or read, or got shorter since it was opened.
    """

    def __init__(self, paths: Sequence[Path]):
        super().__init__()
        self.paths = paths
        self._files: list[io.FileIO] = []
        for path in paths:
            with readable(path):
                self._files.append(io.FileIO(path))
        self._starts = [0, *accumulate(os.fstat(file.fileno()).st_size for file in self._files)]
        self._position = 0

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._starts[-1]

    @property
    def odd(self) -> str | None:
        """Name of the first file that is not as long as the others, as all but the last of an archive are; or None."""
        sizes = [after - start for start, after in pairwise(self._starts)][:-1]
        usual = max(sizes, default=0, key=sizes.count)
        return next((path.name for path, size in zip(self.paths, sizes, strict=False) if size != usual), None)

    def names(self, start: int, end: int) -> str:
        """Return the names of the files that hold the bytes from `start` to `end`, of the last one beyond the end."""
        first, last = (min(self._index(byte), len(self.paths) - 1) for byte in (start, end))
        return " or ".join(path.name for path in self.paths[first : last + 1])

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a byte, and return its number.

        Raises:
            ValueError: it lies before the first.
        """
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if position < 0:
            raise ValueError(f"byte {position} lies before the first")
        self._position = position
        return position

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill a buffer, across the files' borders, and return how many bytes that were."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._position < self.size:
            index = self._index(self._position)
            left = self._starts[index + 1] - self._position
            with readable(self.paths[index]):
                self._files[index].seek(self._position - self._starts[index])
                count = self._files[index].readinto(view[done : done + left])
            if not count:
                raise InputError(f"{self.paths[index]} got shorter while it was read: is it still being fetched?")
            done += count
            self._position += count
        return done

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
        super().close()

    def _index(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Name the file that the system does not let a block read.

    Raises:
        InputError: so it is.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): look at the disk and its permissions") from error


def md5(paths: Sequence[Path], label: str) -> str:
    """Return the hexadecimal MD5 of files one after another, and say how fast they were read.

    Raises:
        InputError: one cannot be read.
    """
    began = time.monotonic()
    found = hashlib.md5(usedforsecurity=False)
    sizes = [path.stat().st_size for path in paths]
    chunks = sum(math.ceil(size / CHUNK_BYTES) for size in sizes)
    for chunk in progress(_chunks(paths), f"MD5 of {label}, MiB", total=chunks):
        found.update(chunk)
    seconds = time.monotonic() - began
    log.info("MD5 of %s: %.2f GB at %.0f MB/s", label, sum(sizes) / 1e9, sum(sizes) / 1e6 / max(seconds, 1e-6))
    return found.hexdigest()


def _chunks(paths: Sequence[Path]) -> Iterator[bytes]:
    for path in paths:
        with readable(path), open(path, "rb", buffering=0) as file:
            yield from iter(lambda file=file: file.read(CHUNK_BYTES), b"")

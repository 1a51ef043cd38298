"""Write an archive's members below a folder: each whole or not at all, none over a file that is already there.

Writes  the members, and in `state` how many of them, in the archive's order, are known to be there
A second run goes on: a member that the state knows is taken by its size, any other file in its place by its bytes.
"""

import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tavce.archives.contents import Contents
from tavce.archives.members import Member
from tavce.archives.parts import readable
from tavce.files import read_json, write_json
from tavce.progress import progress
from tavce.records import InputError

BLOCK_BYTES = 4096  # what a file takes on a disk, at least
PART = ".unpacking.part"  # one a folder: members are written one after another
NOTE_EVERY_S = 2.0


@dataclass(frozen=True)
class State:
    """How many of an archive's members are known to be there, over the ends of runs."""

    path: Path
    key: str  # identifies the archive's bytes

    def known(self) -> int:
        """Return how many."""
        noted = read_json(self.path) if self.path.is_file() else {}
        return noted["members"] if noted.get("key") == self.key else 0

    def note(self, members: int) -> None:
        """Keep it."""
        with _writable(str(self.path)):
            write_json(self.path, {"key": self.key, "members": members})


def missing_bytes(contents: Contents, folder: Path) -> int:
    """Return how much disk the members take that are not below a folder."""
    found: dict[str, bool] = {}
    needed = 0
    for member in contents.members:
        parent = f"{folder}/{member.name}".rpartition("/")[0]
        if parent not in found:
            found[parent] = os.path.isdir(parent)
        if not (found[parent] and os.path.lexists(f"{folder}/{member.name}")):
            needed += -(-member.size // BLOCK_BYTES) * BLOCK_BYTES
    return needed


def need_room(needed_bytes: dict[Path, int]) -> None:
    """Compare what is to be written below some folders with what their disks have free.

    Raises:
        InputError: a disk has less.
    """
    disks: dict[int, tuple[Path, int]] = {}
    for folder, needed in needed_bytes.items():
        while not folder.exists():
            folder = folder.parent
        disk = folder.stat().st_dev
        disks[disk] = (folder, disks.get(disk, (folder, 0))[1] + needed)
    for folder, needed in disks.values():
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise InputError(
                f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free: make room, name "
                "another --out, or unpack fewer archives with --only"
            )


def unpack(contents: Contents, folder: Path, state: State) -> int:
    """Write the members that are not there, and return how many that were.

    Raises:
        InputError: another file lies where a member belongs, a member cannot be written, or the archive is damaged.
    """
    known = state.known()
    made: set[str] = set()
    done = written = 0
    noted_s = time.monotonic()
    for member in progress(contents.members, f"unpack {contents.name}"):
        path = f"{folder}/{member.name}"
        if not _is_there(path, contents, member, trusted=done < known):
            _write(path, contents, member, made)
            written += 1
        done += 1
        if time.monotonic() - noted_s > NOTE_EVERY_S:
            state.note(max(done, known))
            noted_s = time.monotonic()
    state.note(done)
    return written


def _is_there(path: str, contents: Contents, member: Member, trusted: bool) -> bool:
    """Return whether a member is there; a name that is the same but for its case finds it where a disk sees none."""
    with _writable(path):
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
    plain = stat.S_ISREG(status.st_mode) and status.st_size == member.size
    if not plain or not (trusted or _same(contents, member, Path(path))):
        raise InputError(
            f"{path} is there and is not what {contents.name} has under this name: it is left alone: move it away, or "
            "name another --out"
        )
    return True


def _write(path: str, contents: Contents, member: Member, made: set[str]) -> None:
    """Write a member, whole or not at all; `made` are the folders that are known to be there."""
    folder = path.rpartition("/")[0]
    part = f"{folder}/{PART}"
    with _writable(path):
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        try:
            with open(part, "wb") as file:
                for chunk in contents.chunks(member):
                    file.write(chunk)
            os.replace(part, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)


def _same(contents: Contents, member: Member, path: Path) -> bool:
    with readable(path), open(path, "rb") as file:
        return all(file.read(len(chunk)) == chunk for chunk in contents.chunks(member))


@contextmanager
def _writable(path: str) -> Iterator[None]:
    """Name what the system does not let a block write.

    Raises:
        InputError: so it is.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): make room, or correct the permissions, and run this again: "
            "it goes on from there"
        ) from error

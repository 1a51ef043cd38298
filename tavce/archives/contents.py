"""One archive, open: its members, and their bytes, read from its parts without joining them."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from io import BufferedReader
from pathlib import Path

from tavce.archives.members import Member, of_tar, of_zip, without_clashes
from tavce.archives.parts import CHUNK_BYTES, Joined
from tavce.archives.table import Archive
from tavce.records import InputError

DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError, NotImplementedError)


class Contents:
    """The members of an archive, in the order in which they lie.

    Raises:
        InputError: it is damaged (names a part), or holds what must not be unpacked (names the member).
    """

    def __init__(self, name: str, archive: Archive, joined: Joined):
        self.name = name
        self._joined = joined
        self._file = BufferedReader(joined)
        self._zip: zipfile.ZipFile | None = None
        with self._damage():
            if archive.kind == "zip":
                self._zip, members = of_zip(name, self._file)
            else:
                members = of_tar(name, self._file)
        self.members = _undoubled(without_clashes(name, members), archive.folder.rpartition("/")[2])

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield a member's bytes, as many as it declares.

        Raises:
            InputError: the archive is damaged there: it has other bytes, or not as many.
        """
        left = member.size
        with self._damage(member):
            source = self._source(member)
            while left:
                chunk = source.read(min(left, CHUNK_BYTES))
                if not chunk:
                    raise EOFError(f"{left} of {member.size} bytes are missing")
                left -= len(chunk)
                yield chunk

    def _source(self, member: Member) -> zipfile.ZipExtFile | BufferedReader:
        if self._zip and member.info:
            return self._zip.open(member.info)
        self._file.seek(member.position)
        return self._file

    @contextmanager
    def _damage(self, member: Member | None = None) -> Iterator[None]:
        """Say where an archive is damaged of which a block reads a member, or else the list of them.

        Raises:
            InputError: so it is.
        """
        try:
            yield
        except DAMAGE as error:
            if member:
                end = member.position + (member.info.compress_size if member.info else member.size)
                where = self._joined.names(member.position, end)
            else:
                last = max(self._file.tell() - 1, 0)
                where = self._joined.odd or self._joined.names(last, last)
            what = repr(member.name) if member else "its list of members"
            raise InputError(
                f"{self.name}: {what} cannot be read ({error}): {where} is cut off or damaged: fetch it again"
            ) from error


@contextmanager
def opened(name: str, archive: Archive, paths: Sequence[Path]) -> Iterator[Contents]:
    """Open an archive for the length of a block.

    Raises:
        InputError: a part cannot be read, or as `Contents` raises.
    """
    with closing(Joined(paths)) as joined:
        yield Contents(name, archive, joined)


def _undoubled(members: Sequence[Member], folder: str) -> Sequence[Member]:
    """Return the members without a first folder of the name of the folder they go to, where all have it."""
    first = f"{folder}/"
    if not all(member.name.startswith(first) for member in members):
        return members
    return [Member(member.name.removeprefix(first), member.size, member.position, member.info) for member in members]

"""What a zip or a tar holds, without unpacking it; what could do harm is refused before the first byte is used.

Only plain files and folders are taken, each name once, none that leads out of its folder. Names that differ in case
only are kept apart: ids of videos do.
"""

import stat
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import pairwise

from tavce.archives.names import UnsafeNameError, relative
from tavce.records import InputError

BLOCK_BYTES = 512  # of a tar
DEFLATE_MOST = 1032  # bytes out of one byte in, the most that DEFLATE can do
HEADER_BYTES = 30  # before a zip's member, at least
KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str  # relative, safe
    size: int  # bytes, unpacked
    position: int  # of its header in a zip, of its data in a tar
    info: zipfile.ZipInfo | None = None  # in a zip


def refused(archive: str, member: str, what: str) -> InputError:
    """Return the error that refuses an archive for what one of its members is."""
    return InputError(
        f"{archive}: its member {member!r} {what}: nothing of it is unpacked, for the published archive has no such "
        "member: fetch it again from where it is published"
    )


def of_zip(archive: str, file: BufferedReader) -> tuple[zipfile.ZipFile, list[Member]]:
    """Return an open zip and its files, in the order in which they lie.

    Raises:
        InputError: a member must not be unpacked.
        BadZipFile, ValueError, EOFError: the zip is damaged.
    """
    opened = zipfile.ZipFile(file)
    infos = sorted(opened.infolist(), key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:
        raise zipfile.BadZipFile(f"byte {infos[0].header_offset} is where byte 0 should be")
    for info, after in pairwise(infos):
        if info.header_offset + HEADER_BYTES + info.compress_size > after.header_offset:
            raise refused(archive, info.orig_filename, "lies over the next one, as in a zip bomb")
    found = []
    for info in infos:
        what = _unfit(info)
        if what:
            raise refused(archive, info.orig_filename, what)
        folder = info.orig_filename.endswith("/") or stat.S_ISDIR(info.external_attr >> 16)
        name = _safe(archive, info.orig_filename, folder)
        if not folder:
            found.append(Member(name, info.file_size, info.header_offset, info))
    return opened, found


def of_tar(archive: str, file: BufferedReader) -> list[Member]:
    """Return a tar's files, in the order in which they lie.

    Raises:
        InputError: a member must not be unpacked.
        TarError, EOFError: the tar is damaged, or has no end.
    """
    found = []
    with tarfile.open(fileobj=file, mode="r:") as opened:
        while (info := opened.next()) is not None:
            opened.members.clear()  # they would be kept, a million of them
            if not (info.isreg() or info.isdir()):
                raise refused(archive, info.name, f"is {KINDS.get(info.type, 'no plain file')}")
            if info.issparse():
                raise refused(archive, info.name, "has holes")
            name = _safe(archive, info.name, info.isdir())
            if info.isreg():
                found.append(Member(name, info.size, info.offset_data))
        end = opened.offset
    file.seek(end)
    if file.read(BLOCK_BYTES) != bytes(BLOCK_BYTES):  # where tarfile stops without a word
        raise EOFError(f"neither a member nor the end at byte {end}")
    return found


def without_clashes(archive: str, members: Sequence[Member]) -> Sequence[Member]:
    """Return members that can all lie in one folder.

    Raises:
        InputError: two have one name, or one is the folder of another.
    """
    names: set[str] = set()
    for member in members:
        if member.name in names:
            raise refused(archive, member.name, "is there twice")
        names.add(member.name)
    for folder in {name.rpartition("/")[0] for name in names}:
        while folder:
            if folder in names:
                raise refused(archive, folder, "is a file and a folder")
            folder = folder.rpartition("/")[0]
    return members


def _safe(archive: str, name: str, folder: bool) -> str:
    if folder and name in (".", "./"):
        return "."
    try:
        return relative(name)
    except UnsafeNameError as error:
        raise refused(archive, name, str(error)) from error


def _unfit(info: zipfile.ZipInfo) -> str:
    """Return why a zip's member must not be unpacked, "" where it may."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & 1:
        return "is encrypted"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a symbolic link" if stat.S_ISLNK(kind) else "is no plain file"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is compressed by method {info.compress_type}"
    most = info.compress_size * (1 if info.compress_type == zipfile.ZIP_STORED else DEFLATE_MOST)
    if info.file_size > most:
        return f"declares {info.file_size} bytes, of which its {info.compress_size} can hold {most} at most"
    return ""

"""What lies in a zip, and its members' bytes, in a few bytes a member.

`zipfile` keeps 670 bytes for each (measured, Python 3.11), 750 MB for VoxCeleb2's million, and every process that reads
needs them all. Here one process walks the directory at the end of the zip, and others read members by their place.
Format: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3 (zip64).
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tavce.records import InputError

DIRECTORY_END = struct.Struct("<4s4H2LH")
ZIP64_LOCATOR = struct.Struct("<4sLQL")
ZIP64_END = struct.Struct("<4sQ2H2L4Q")
DIRECTORY_ENTRY = struct.Struct("<4s6H3L5H2L")
MEMBER = struct.Struct("<4s5H3L2H")
COMMENT_BYTES = 0xFFFF  # at most, at the end of the file
ELSEWHERE = 0xFFFFFFFF  # "the number is in the zip64 field"
ENCRYPTED = 1
STORED, DEFLATED = 0, 8
REMEDY = "fetch it again, or unpack it and name the folder"


class Member(NamedTuple):
    """Where a member's bytes are."""

    offset: int  # of its header, from the beginning of the zip
    packed_bytes: int
    crc: int


class DamagedError(Exception):
    """A member's bytes are not what was packed."""


def members(path: str | Path) -> Iterator[tuple[bytes, Member]]:
    """Yield every file in a zip, folders aside: its name and where it is.

    Raises:
        InputError: it is no whole zip, or packed in a way nobody publishes annotations in.
    """
    with open(path, "rb") as file:
        left = _seek_directory(file, path)
        while left > 0:
            head = file.read(DIRECTORY_ENTRY.size)
            if len(head) < DIRECTORY_ENTRY.size or head[:4] != b"PK\1\2":
                raise InputError(f"{path}: its directory is damaged: {REMEDY}")
            _, _, _, flags, method, _, _, crc, packed, size, *lengths, _, _, _, offset = DIRECTORY_ENTRY.unpack(head)
            name, extra = file.read(lengths[0]), file.read(lengths[1])
            file.seek(lengths[2], os.SEEK_CUR)
            left -= len(head) + sum(lengths[:3])
            if name.endswith(b"/"):
                continue
            if flags & ENCRYPTED or method not in (STORED, DEFLATED):
                raise InputError(f"{path}: {name.decode(errors='replace')} is encrypted or oddly packed: {REMEDY}")
            if ELSEWHERE in (packed, size, offset):
                try:
                    packed, offset = _large_numbers(extra, packed, size, offset)
                except (struct.error, IndexError):
                    raise InputError(f"{path}: its directory is damaged: {REMEDY}") from None
            yield name, Member(offset, packed, crc)


def read(descriptor: int, member: Member) -> bytes:
    """Return a member of the zip that is open at a file descriptor, unpacked.

    Raises:
        DamagedError: what is there is no such member.
    """
    head = os.pread(descriptor, MEMBER.size, member.offset)
    if len(head) < MEMBER.size or head[:4] != b"PK\3\4":
        raise DamagedError("no member of the zip begins there")
    _, _, _, method, _, _, _, _, _, name_bytes, extra_bytes = MEMBER.unpack(head)
    packed = os.pread(descriptor, member.packed_bytes, member.offset + MEMBER.size + name_bytes + extra_bytes)
    try:
        data = zlib.decompress(packed, -zlib.MAX_WBITS) if method == DEFLATED else packed
    except zlib.error as error:
        raise DamagedError(str(error)) from error
    if zlib.crc32(data) != member.crc:
        raise DamagedError("its check sum is another")
    return data


def _seek_directory(file: BinaryIO, path: str | Path) -> int:
    """Go to the zip's directory and return how many bytes it has."""
    file.seek(0, os.SEEK_END)
    whole = file.tell()
    file.seek(max(0, whole - COMMENT_BYTES - DIRECTORY_END.size - ZIP64_LOCATOR.size))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < DIRECTORY_END.size:
        raise InputError(f"{path} is no zip, or not all of one: {REMEDY}")
    _, _, _, _, _, size, offset, _ = DIRECTORY_END.unpack_from(tail, at)
    if at >= ZIP64_LOCATOR.size and tail[at - ZIP64_LOCATOR.size :].startswith(b"PK\6\7"):
        _, _, end, _ = ZIP64_LOCATOR.unpack_from(tail, at - ZIP64_LOCATOR.size)
        file.seek(end)
        head = file.read(ZIP64_END.size)
        *_, size, offset = ZIP64_END.unpack(head) if len(head) == ZIP64_END.size else (whole, whole)
    if offset + size > whole:
        raise InputError(f"{path} is not all of a zip: {REMEDY}")
    file.seek(offset)
    return size


def _large_numbers(extra: bytes, packed: int, size: int, offset: int) -> tuple[int, int]:
    """Return the packed size and the offset, those that do not fit 32 bits from the zip64 field; IndexError: none."""
    while extra:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            numbers = list(struct.unpack_from(f"<{length // 8}Q", extra, 4))
            _, packed, offset = (numbers.pop(0) if number == ELSEWHERE else number for number in (size, packed, offset))
            return packed, offset
        extra = extra[4 + length :]
    raise IndexError("no zip64 field")

"""Facts about members of zips: found and read as `zipfile` finds and reads them, broken ones told."""

import os
import random
import zipfile

import pytest

from tavce.corpora.zips import DamagedError, Member, members, read
from tavce.records import InputError

TEXTS = {f"txt/folder/{number:05d}.txt": random.Random(number).randbytes(200) * number for number in range(50)}


@pytest.fixture
def packed(tmp_path):
    """A zip of texts, folders and a comment, stored and deflated."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.comment = b"PK of the authors"
        file.mkdir("txt/folder")
        for number, (name, text) in enumerate(TEXTS.items()):
            file.writestr(name, text, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[number % 2])
    return path


def read_all(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return {name.decode(): read(descriptor, member) for name, member in members(path)}
    finally:
        os.close(descriptor)


def test_every_file_is_found_and_read(packed):
    assert read_all(packed) == TEXTS


def test_members_of_unknown_length_are_read_too(tmp_path):
    class Pipe:
        """A file that cannot go back: lengths follow the data."""

        def __init__(self, file):
            self.write, self.flush = file.write, file.flush

    with open(tmp_path / "a.zip", "wb") as file, zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as packing:
        for name, text in TEXTS.items():
            packing.writestr(name, text)
    assert read_all(tmp_path / "a.zip") == TEXTS


@pytest.mark.parametrize("limit", ["ZIP64_LIMIT", "ZIP_FILECOUNT_LIMIT"])
def test_large_zips_are_read_too(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(zipfile, limit, 10)  # zipfile writes its numbers as if this were 4 GB, or 65,535 files
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name, text in TEXTS.items():
            file.writestr(name, text)
    assert read_all(tmp_path / "a.zip") == TEXTS


def test_more_files_than_the_old_format_counts_are_all_found(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for number in range(70_000):
            file.writestr(str(number), b"")
    assert sum(1 for _ in members(tmp_path / "a.zip")) == 70_000


@pytest.mark.parametrize("kept", [0, 10, 1000, -60])
def test_a_zip_that_was_cut_is_refused(packed, kept):
    packed.write_bytes(packed.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"a.zip is no(t all of a)? zip.*fetch it again, or unpack it"):
        [*members(packed)]


def test_a_damaged_directory_is_refused(packed):
    data = packed.read_bytes()
    packed.write_bytes(data.replace(b"PK\1\2", b"PK\1\0"))
    with pytest.raises(InputError, match=r"a.zip: its directory is damaged"):
        [*members(packed)]


def test_a_large_number_that_is_not_there_is_refused(packed):
    data = bytearray(packed.read_bytes())
    at = data.rfind(b"PK\1\2")
    data[at + 42 : at + 46] = b"\xff" * 4  # "the offset is in the zip64 field"
    packed.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"a.zip: its directory is damaged"):
        [*members(packed)]


def test_an_unusual_packing_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as file:
        file.writestr("b.txt", b"x")
    with pytest.raises(InputError, match=r"a.zip: b.txt is encrypted or oddly packed"):
        [*members(tmp_path / "a.zip")]


@pytest.mark.parametrize("number", [30, 31])
def test_a_damaged_member_is_told(packed, number):
    at = {name.decode(): member for name, member in members(packed)}[f"txt/folder/{number:05d}.txt"]
    data = bytearray(packed.read_bytes())
    data[at.offset + 100] ^= 0xFF
    packed.write_bytes(bytes(data))
    with pytest.raises(DamagedError):
        read_all(packed)


def test_a_place_where_no_member_is_is_told(packed):
    descriptor = os.open(packed, os.O_RDONLY)
    with pytest.raises(DamagedError, match="no member of the zip begins there"):
        read(descriptor, Member(5, 10, 0))
    os.close(descriptor)

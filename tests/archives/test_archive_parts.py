"""Facts about files that are read one after another."""

import io
import os
import random
import re
from pathlib import Path

import pytest
from shelf import md5 as md5_of

from tavce.archives.parts import CHUNK_BYTES, Joined, md5
from tavce.records import InputError


def placed(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / f"part{number}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


@pytest.mark.parametrize("buffer", [1, 7, 8192])
def test_joined_files_read_like_their_bytes_one_after_another(tmp_path, buffer):
    contents = [random.Random(n).randbytes(n) for n in (100, 0, 1, 300, 0)]
    whole = io.BytesIO(b"".join(contents))
    joined = io.BufferedReader(Joined(placed(tmp_path, *contents)), buffer)
    assert joined.read() == whole.read()
    draw = random.Random(0)
    for _ in range(200):
        whence = draw.choice([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
        offset = draw.randrange(420) - {io.SEEK_SET: 0, io.SEEK_CUR: whole.tell(), io.SEEK_END: 401}[whence]
        assert joined.seek(offset, whence) == whole.seek(offset, whence)
        size = draw.randrange(300)
        assert joined.read(size) == whole.read(size)


def test_nothing_lies_before_the_first_byte(tmp_path):
    with pytest.raises(ValueError, match="byte -1 lies before the first"):
        Joined(placed(tmp_path, b"abc")).seek(-4, io.SEEK_END)


def test_a_byte_is_found_in_its_file(tmp_path):
    joined = Joined(placed(tmp_path, b"abc", b"", b"defg"))
    assert [joined.names(byte, byte) for byte in (0, 2, 3, 6, 7, 99)] == ["part0"] * 2 + ["part2"] * 4
    assert joined.names(2, 3) == "part0 or part1 or part2"


@pytest.mark.parametrize(
    ("sizes", "odd"),
    [((5, 5, 3), None), ((5, 5, 9), None), ((5, 4, 5, 2), "part1"), ((7,), None), ((6, 5, 5, 5), "part0")],
)
def test_the_file_that_is_not_as_long_as_the_others_is_odd(tmp_path, sizes, odd):
    assert Joined(placed(tmp_path, *(bytes(size) for size in sizes))).odd == odd


def test_a_file_that_gets_shorter_under_way_is_named(tmp_path):
    paths = placed(tmp_path, b"abc", b"defg")
    joined = Joined(paths)
    os.truncate(paths[1], 2)
    with pytest.raises(InputError, match=r"part1 got shorter while it was read"):
        joined.read()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    words = re.escape(f"{tmp_path} cannot be read (Is a directory)")
    with pytest.raises(InputError, match=words):
        Joined([tmp_path])
    with pytest.raises(InputError, match=words):
        md5([tmp_path], "a folder")


def test_the_sum_of_several_files_is_that_of_their_bytes_one_after_another(tmp_path, caplog):
    caplog.set_level("INFO")
    contents = [bytes(CHUNK_BYTES + 1), b"", b"abc"]
    assert md5(placed(tmp_path, *contents), "three") == md5_of(b"".join(contents))
    assert re.search(r"MD5 of three: 0\.00 GB at \d+ MB/s", caplog.text)

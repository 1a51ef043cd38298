"""Facts about the folder of downloads: which files are whole, whose they are, and which were removed on purpose."""

import pytest

from tavce.fetch.raw import LONGEST_NAME, Raw, mark_cleared, refuse_cleared, stem
from tavce.records import InputError


def write(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"12345")


def test_a_whole_download_is_found(tmp_path):
    write(tmp_path, "a.mp4", "b.webm")
    raw = Raw(tmp_path)
    assert raw.found("a") == tmp_path / "a.mp4"
    assert raw.found("b") == tmp_path / "b.webm"
    assert raw.found("c") is None


@pytest.mark.parametrize("name", ["a.mp4.part", "a.f137.mp4", "a.temp.mp4", "a.mp4.ytdl", "a.mp4.part-Frag3", "a.part"])
def test_an_unfinished_one_is_not(tmp_path, name):
    write(tmp_path, name)
    assert Raw(tmp_path).found("a") is None


def test_an_unfinished_one_is_not_the_whole_one_of_a_video_whose_id_ends_alike(tmp_path):
    write(tmp_path, "a.mp4.part", "b.f137.mp4")
    raw = Raw(tmp_path)
    assert raw.found("a.mp4") is None
    assert raw.unfinished_bytes("b.f137") == 0


def test_a_download_of_before_dots_were_written_otherwise_is_found(tmp_path):
    write(tmp_path, "http%3A%2F%2Fh%2Fa.mp4.mp4")
    assert Raw(tmp_path).found("http://h/a.mp4").name == "http%3A%2F%2Fh%2Fa.mp4.mp4"
    assert stem("http://h/a.mp4") == "http%3A%2F%2Fh%2Fa%2Emp4"


def test_what_is_begun_is_counted_and_forgotten_and_nothing_else(tmp_path):
    write(tmp_path, "a.mp4.part", "a.f137.mp4", "ab.mp4.part", "a%2Eb.mp4", "a.mp4")
    raw = Raw(tmp_path)
    assert (raw.begun_bytes("a"), raw.begun_bytes("b"), raw.unfinished_bytes("ab")) == (10, 0, 5)
    raw.forget("a")
    assert {path.name for path in tmp_path.iterdir()} == {"ab.mp4.part", "a%2Eb.mp4", "a.mp4"}


def test_a_folder_that_is_not_there_has_nothing(tmp_path):
    assert Raw(tmp_path / "raw").found("a") is None
    assert not (tmp_path / "raw").exists()


def test_long_ids_have_short_names_of_their_own():
    one, two = stem("x" * 400 + "1"), stem("x" * 400 + "2")
    assert one != two
    assert len(one) == LONGEST_NAME + 17


def test_a_video_that_was_removed_after_trimming_is_asked_back_by_shard(tmp_path):
    mark_cleared(tmp_path, "mine", "0003", ["a.mp4"])
    with pytest.raises(InputError, match=r"--forcerun results/mine/download/0003.jsonl"):
        refuse_cleared(tmp_path / "a.mp4")
    refuse_cleared(tmp_path / "b.mp4")
    write(tmp_path, "a.mp4")
    refuse_cleared(tmp_path / "a.mp4")

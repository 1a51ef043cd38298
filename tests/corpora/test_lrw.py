"""Facts about LRW's rows: files as they lie in the folders of words."""

import os
import shutil

import pytest

from tavce.config.corpora import LrwCorpus
from tavce.corpora.folder import CLIP_ID
from tavce.corpora.lrw import rows
from tavce.corpora.source import Source
from tavce.records import InputError


def read(root):
    return list(rows(Source("lrw", LrwCorpus(reader="lrw", source=str(root), shards=2), 25)))


@pytest.fixture
def lipread(tmp_path):
    """A word with a clip in every split, and another with one."""
    for name in (
        "ABOUT/train/ABOUT_00001",
        "ABOUT/val/ABOUT_00001",
        "ABOUT/test/ABOUT_00001",
        "YOUNG/train/YOUNG_00012",
    ):
        add(tmp_path / "lipread_mp4", f"{name}.mp4", f"{name}.txt")
    return tmp_path / "lipread_mp4"


def add(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_a_file_becomes_a_row_of_the_whole_clip(lipread):
    row = read(lipread)[1]
    assert row.model_dump(exclude_defaults=True) == {
        "clip_id": "ABOUT_train_00001",
        "dataset": "lrw",
        "split": "train",
        "speaker": "ABOUT_train_00001",
        "video_id": "ABOUT_train_00001",
        "source": f"{lipread}/ABOUT/train/ABOUT_00001.mp4",
        "licence": "BBC agreement, non-commercial research",
    }
    assert (row.start_frame, row.end_frame, row.stamp) == (0, None, "")


def test_numbers_begin_anew_in_every_folder_and_clips_have_ids_of_their_own(lipread):
    assert [(row.clip_id, row.split) for row in read(lipread)] == [
        ("ABOUT_test_00001", "test"),
        ("ABOUT_train_00001", "train"),
        ("ABOUT_val_00001", "val"),
        ("YOUNG_train_00012", "train"),
    ]


def test_a_lost_mp4_is_a_row_and_a_lost_txt_no_matter(lipread):
    (lipread / "ABOUT/test/ABOUT_00001.mp4").unlink()
    (lipread / "ABOUT/train/ABOUT_00001.txt").unlink()
    lost, kept, *_ = read(lipread)
    assert (lost.clip_id, lost.reason) == ("ABOUT_test_00001", "missing_file")
    assert lost.detail == f"{lipread}/ABOUT/test/ABOUT_00001.mp4 is not there, though its .txt is"
    assert (kept.clip_id, kept.reason) == ("ABOUT_train_00001", None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ABOUT/dev/ABOUT_00002.mp4", "is in none of ABOUT/{train,val,test}"),
        ("ABOUT/ABOUT_00002.mp4", "is in none of ABOUT/{train,val,test}"),
        ("ABOUT/train/ABOVE_00002.mp4", "is not named ABOUT_NNNNN"),
        ("ABOUT/train/ABOUT_00001 (1).mp4", "is not named ABOUT_NNNNN"),
    ],
)
def test_a_file_in_another_place_is_a_row_with_its_reason(lipread, name, words):
    add(lipread, name)
    (row,) = (row for row in read(lipread) if row.reason)
    assert (row.reason, row.detail) == ("bad_annotation", f"{lipread}/{name} {words}")
    assert CLIP_ID.fullmatch(row.clip_id)
    moved = lipread.with_name("elsewhere")
    shutil.move(lipread, moved)
    assert row.clip_id in {row.clip_id for row in read(moved)}


def test_a_name_that_is_no_text_is_told_as_it_is(lipread):
    add(lipread, os.fsdecode(b"ABOUT/train/caf\xe9.mp4"))
    (row,) = (row for row in read(lipread) if row.reason)
    assert row.detail.endswith("caf\\udce9.mp4 is not named ABOUT_NNNNN")
    assert row.model_dump_json()


def test_other_entries_are_left_out_with_a_word(lipread, caplog):
    add(
        lipread,
        "readme.txt",
        "lower/train/lower_00001.mp4",
        "ABOUT/train/ABOUT_00001.npy",
        "ABOUT/train/._ABOUT_00001.mp4",
    )
    assert len(read(lipread)) == 4
    assert "2 entries are no words, such as lower" in caplog.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "corpora.lrw.source '.*nowhere' is no directory: name lipread_mp4 of LRW"),
        (".", "holds no <WORD>/train/<WORD>_NNNNN.mp4: name lipread_mp4 of LRW"),
        ("empty", "holds no <WORD>/train/<WORD>_NNNNN.mp4: name lipread_mp4 of LRW"),
    ],
)
def test_a_source_without_clips_is_refused(lipread, name, words):
    (lipread.parent / "empty/ABOUT/train").mkdir(parents=True)
    with pytest.raises(InputError, match=words):
        read(lipread.parent / name)

"""Facts about the shard tables: what makes one change, and which sheets are refused."""

import os

import pytest
from pipeline import Pipeline, settings

from tavce.records import read_rows
from tavce.shards import shard_of

SHARDS = 8
NAMES = [f"video{number}.mp4" for number in range(12)]


@pytest.fixture
def mine(tmp_path) -> Pipeline:
    """Twelve videos, each of its own speaker, and their sheet."""
    (tmp_path / "videos").mkdir()
    for name in NAMES:
        (tmp_path / "videos" / name).write_bytes(b"x")
    pipeline = Pipeline(tmp_path, settings(corpora={"mine": _corpus(tmp_path / "videos")}))
    assert pipeline.write_sheet() == 0
    for path in _tables(pipeline):
        os.utime(path, (0, 0))
    return pipeline


def _corpus(source, **changes):
    split = {"val": 0.2, "test": 0.2, "seed": 1}
    return {"reader": "folder", "source": str(source), "speakers": "file", "shards": SHARDS, "split": split, **changes}


def _tables(pipeline):
    return sorted((pipeline.root / "sheet").glob("*.jsonl"))


def _touched(pipeline):
    return [path.stem for path in _tables(pipeline) if path.stat().st_mtime > 0]


def test_every_clip_is_in_its_videos_shard_and_every_shard_has_a_table(mine):
    tables = {path.stem: [row.video_id for row in read_rows(path)] for path in _tables(mine)}
    assert len(tables) == SHARDS
    assert sorted(name for names in tables.values() for name in names) == sorted(NAMES)
    assert all(shard_of(name, SHARDS) == shard for shard, names in tables.items() for name in names)


def test_unchanged_tables_are_not_touched(mine):
    mine.write_sheet()
    assert _touched(mine) == []


def test_a_new_video_touches_one_table(mine):
    (mine.folder / "videos" / "new.mp4").write_bytes(b"x")
    mine.write_sheet()
    assert _touched(mine) == [shard_of("new.mp4", SHARDS)]


def test_a_removed_video_touches_one_table(mine):
    (mine.folder / "videos" / NAMES[0]).unlink()
    mine.write_sheet()
    assert _touched(mine) == [shard_of(NAMES[0], SHARDS)]


def test_a_changed_video_changes_its_row(mine):
    (mine.folder / "videos" / NAMES[0]).write_bytes(b"another")
    mine.write_sheet()
    (shard,) = _touched(mine)
    (row,) = (row for row in read_rows(mine.root / "sheet" / f"{shard}.jsonl") if row.video_id == NAMES[0])
    assert row.stamp.startswith("7-")


def test_fewer_shards_leave_no_old_tables(mine):
    fewer = mine.with_settings(corpora={"mine": _corpus(mine.folder / "videos", shards=3)})
    fewer.write_sheet()
    assert [path.stem for path in _tables(fewer)] == ["0000", "0001", "0002"]


def test_the_demo_is_a_corpus_too(tmp_path):
    corpus = {
        "reader": "demo",
        "shards": 2,
        "speakers": 4,
        "clips_train": 2,
        "clips_val": 1,
        "clips_test": 1,
        "seed": 1,
    }
    demo = Pipeline(tmp_path, settings(corpora={"mine": corpus}))
    assert demo.write_sheet() == 0
    rows = [row for path in _tables(demo) for row in read_rows(path)]
    assert sorted((row.clip_id, row.split, row.source) for row in rows) == [
        ("s00_c00", "train", "served:s00_c00.mp4"),
        ("s00_c01", "train", "served:s00_c01.mp4"),
        ("s01_c00", "val", "served:s01_c00.mp4"),
        ("s02_c00", "test", "served:s02_c00.mp4"),
        ("s03_c00", "test", "served:s03_c00.mp4"),
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ["a.mp4\tanna\ttrain\tx\t", "b.mp4\tben\ttrain\tx\t"],
            "corpus mine: clip id 'x' stands for {0}/a.mp4 and for {0}/b.mp4",
        ),
        (["a.mp4\tanna\ttrain\t\t", "a.mov\tben\ttrain\t\t"], "clip id 'a' stands for {0}/a.mp4 and for {0}/a.mov"),
        (
            ["a.mp4\tanna\ttrain\t\t", "b.mp4\tanna\ttest\t\t"],
            "speaker 'anna' is in train (mine: a) and in test (mine: b)",
        ),
        (["a.mp4\tanna\ttrain\t\tv", "b.mp4\tben\ttest\t\tv"], "video id 'v' stands for {0}/a.mp4 and for {0}/b.mp4"),
    ],
)
def test_a_sheet_that_would_lose_clips_or_leak_speakers_is_refused(tmp_path, capsys, lines, words):
    table = tmp_path / "clips.tsv"
    table.write_text("\n".join(["path\tspeaker\tsplit\tclip_id\tvideo_id", *lines]), encoding="utf-8")
    for line in lines:
        (tmp_path / line.split("\t")[0]).write_bytes(b"x")
    mine = Pipeline(tmp_path, settings(corpora={"mine": _corpus(table)}))
    assert mine.write_sheet() == 2
    assert words.format(tmp_path) in capsys.readouterr().err
    assert not mine.root.exists()


@pytest.fixture
def remote(tmp_path) -> Pipeline:
    """A table of twelve urls, and its sheet, in which one file says something else."""
    (tmp_path / "clips.tsv").write_text(
        "path\tspeaker\n" + "".join(f"https://x.org/{name}\t{name}\n" for name in NAMES)
    )
    pipeline = Pipeline(tmp_path, settings(corpora={"mine": _corpus(tmp_path / "clips.tsv")}))
    assert pipeline.write_sheet() == 0
    _tables(pipeline)[0].write_text("not read again")
    return pipeline


def test_a_table_of_urls_is_not_read_again_where_nothing_changed(remote):
    remote.write_sheet()
    assert _tables(remote)[0].read_text() == "not read again"


@pytest.mark.parametrize("change", ["the table", "a setting", "a lost shard"])
def test_a_table_of_urls_is_read_again_where_something_changed(remote, change):
    if change == "the table":
        with open(remote.folder / "clips.tsv", "a") as table:
            table.write("https://x.org/new.mp4\tnew\n")
    elif change == "a setting":
        remote = remote.with_settings(corpora={"mine": _corpus(remote.folder / "clips.tsv", licence="CC BY 4.0")})
    else:
        _tables(remote)[1].unlink()
    remote.write_sheet()
    assert len(_tables(remote)) == SHARDS
    assert _tables(remote)[0].read_text() != "not read again"


def test_a_table_of_local_files_is_read_every_time(mine):
    first = _tables(mine)[0]
    rows = first.read_text(encoding="utf-8")
    first.write_text("something else", encoding="utf-8")
    mine.write_sheet()
    assert first.read_text(encoding="utf-8") == rows


def test_a_sheet_that_is_refused_is_not_taken_for_read(remote):
    with open(remote.folder / "clips.tsv", "a") as table:
        table.write(f"https://x.org/{NAMES[0]}\tother\n")
    assert remote.write_sheet() == 2
    assert remote.write_sheet() == 2


def test_a_draft_that_a_killed_command_left_is_removed_after_a_day(remote):
    left = [remote.folder / "results" / name for name in (".sheet-old", ".sheet-new")]
    for folder in left:
        folder.mkdir()
    os.utime(left[0], (0, 0))
    remote.write_sheet()
    assert [folder.exists() for folder in left] == [False, True]

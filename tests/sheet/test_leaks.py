"""Facts about leaks: which speakers and videos are in two splits, and what becomes of their clips."""

import hashlib
import json

import pytest
from pipeline import Pipeline, settings

from tavce.records import read_rows
from tavce.sheet.leaks import Group, Listing, Size, drop, find, move

TUBE = "https://www.youtube.com/watch?v="
SPLIT = {"val": 0.1, "test": 0.1, "seed": 1}


def listing(dataset, *groups, people=None, **flags):
    """Return a corpus whose clips are given as (speaker, video, split)."""

    class Corpus:
        PEOPLE = people
        train = flags.get("train", True)
        evaluate = flags.get("evaluate", True)

    return Listing(dataset, Corpus, {Group(*group): Size(2, f"{group[0]}-{group[1]}") for group in groups})


def leaking(*listings):
    return {(place.key.kind, place.key.name) for place in find([*listings])}


def fates(decide, *listings):
    """Return (dataset, speaker, video) → the split they go to, None = dropped."""
    found = decide([*listings])
    return {(name, *group[:2]): fate.split for name, groups in found.items() for group, fate in groups.items()}


def test_a_speaker_in_two_splits_leaks_within_a_corpus_and_across_those_that_name_people_alike():
    one = listing("vox1", ("id1", "a", "train"), ("id2", "b", "test"), people="voxceleb")
    other = listing("list", ("id2", "c", "train"), people="voxceleb")
    stranger = listing("mine", ("id1", "d", "test"))
    assert leaking(one) == set()
    assert leaking(one, other) == {("speaker", "id2")}
    assert leaking(one, stranger) == set()


def test_a_video_in_two_splits_leaks_whatever_its_speakers_are_called():
    assert leaking(listing("one", ("ann", "a", "train")), listing("two", ("bob", "a", "val"))) == {("video", "a")}


@pytest.mark.parametrize("flags", [{"train": False}, {"evaluate": False}])
def test_what_a_run_does_not_use_leaks_nothing(flags):
    assert leaking(listing("one", ("ann", "a", "train"), ("ann", "b", "test"), **flags)) == set()


def test_places_count_the_clips_of_a_speaker_by_split():
    places = find([listing("one", ("ann", "a", "train"), ("ann", "b", "train"), ("ann", "c", "test"))])
    assert [place.line() for place in places] == [
        "speaker\tann\ttrain\tone\t4\tann-a",
        "speaker\tann\ttest\tone\t2\tann-c",
    ]


def test_moving_holds_out_whatever_shares_a_speaker_or_video_directly_or_through_others():
    one = listing("one", ("ann", "a", "train"), ("bob", "a", "train"), ("bob", "b", "train"), ("eve", "e", "train"))
    two = listing("two", ("carl", "b", "test"))
    assert fates(move, one, two) == {
        ("one", "ann", "a"): "test",
        ("one", "bob", "a"): "test",
        ("one", "bob", "b"): "test",
    }
    validated = listing("one", ("ann", "a", "train"), ("ann", "b", "val"))
    assert fates(move, validated) == {("one", "ann", "a"): "val"}


def test_dropping_takes_only_what_shares_a_speaker_or_video_itself():
    one = listing("one", ("ann", "a", "train"), ("bob", "a", "train"), ("bob", "b", "train"), ("eve", "e", "train"))
    two = listing("two", ("carl", "b", "test"))
    assert fates(drop, one, two) == {("one", "bob", "b"): None}
    chain = listing("one", ("ann", "a", "train"), ("ann", "b", "val"), ("ann", "c", "test"))
    assert fates(drop, chain) == {("one", "ann", "a"): None, ("one", "ann", "b"): None}


def test_a_dropped_clip_no_longer_makes_others_leak():
    chain = listing("one", ("ann", "a", "val"), ("ann", "c", "test"), ("bob", "a", "train"))
    assert fates(drop, chain) == {("one", "ann", "a"): None}


@pytest.fixture
def two(tmp_path):
    """Return a function that writes the sheets of two corpora of urls under a policy; they share a video."""
    lists = {
        "mine": [("one", "ann", "train"), ("two", "bob", "train"), ("three", "ann", "train")],
        "other": [("four", "zed", "test")],
    }
    urls = {"one": TUBE + "AAAAAAAAAAA", "two": TUBE + "BBBBBBBBBBB", "three": TUBE + "CCCCCCCCCCC"}
    urls["four"] = "https://youtu.be/AAAAAAAAAAA?t=6"
    for name, clips in lists.items():
        lines = [f"{urls[clip]}\t{speaker}\t{split}\t{clip}\t{clip}\n" for clip, speaker, split in clips]
        (tmp_path / f"{name}.tsv").write_text("path\tspeaker\tsplit\tclip_id\tvideo_id\n" + "".join(lines))

    def write(policy: str, other: dict | None = None) -> Pipeline:
        corpora = {
            name: {"reader": "folder", "source": str(tmp_path / f"{name}.tsv"), "shards": 2, "split": SPLIT}
            for name in lists
        }
        corpora["other"] |= other or {}
        return Pipeline(tmp_path, settings(corpora=corpora, leaks=policy))

    return write


def rows(pipeline, dataset="mine"):
    tables = sorted((pipeline.folder / "results" / dataset / "sheet").glob("*.jsonl"))
    return {row.clip_id: row for path in tables for row in read_rows(path)}


def test_a_run_with_a_leak_stops_and_names_it_where_it_is_and_what_to_do(two, capsys):
    mine = two("stop")
    assert mine.write_sheet() == 2
    words = capsys.readouterr().err
    assert "1 speakers or videos are in more than one split" in words
    assert "video 'youtube:AAAAAAAAAAA' is in train (mine: one) and in test (other: four)" in words
    assert "leaks: move" in words
    table = (mine.folder / "results/leaks/leaks.tsv").read_text(encoding="utf-8").splitlines()
    assert table[1:] == [
        "video\tyoutube:AAAAAAAAAAA\ttrain\tmine\t1\tone",
        "video\tyoutube:AAAAAAAAAAA\ttest\tother\t1\tfour",
    ]
    assert not mine.root.exists()


def test_only_the_first_leaks_are_shown(tmp_path, capsys):
    lines = [f"https://x.org/{n}{split}\ts{n}\t{split}\n" for n in range(7) for split in ("train", "test")]
    (tmp_path / "clips.tsv").write_text("path\tspeaker\tsplit\n" + "".join(lines))
    corpus = {"reader": "folder", "source": str(tmp_path / "clips.tsv"), "shards": 2, "split": SPLIT}
    assert Pipeline(tmp_path, settings(corpora={"mine": corpus})).write_sheet() == 2
    assert "and 2 more\n" in capsys.readouterr().err


def test_moved_rows_say_where_they_were_listed_and_why_they_moved(two):
    mine = two("move")
    assert mine.write_sheet() == 0
    found = rows(mine)
    assert {clip: row.split for clip, row in found.items()} == {"one": "test", "two": "train", "three": "test"}
    assert found["one"].listed == "train"
    assert found["one"].detail == "held out with speaker 'zed', who is in test of other"
    assert found["two"].listed is None


def test_dropped_rows_have_their_reason(two):
    mine = two("drop")
    assert mine.write_sheet() == 0
    found = rows(mine)
    assert {clip: row.reason for clip, row in found.items()} == {"one": "leak", "two": None, "three": None}
    assert found["one"].detail == "video 'youtube:AAAAAAAAAAA' is in test of other too"


def test_lists_of_the_splits_are_written_with_their_hashes(two):
    mine = two("drop")
    mine.write_sheet()
    folder = mine.root / "split"
    assert (folder / "train.txt").read_text() == "three\ntwo\n"
    assert (folder / "test.txt").read_text() == ""
    sums = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("train.txt", "val.txt", "test.txt")
    }


def test_another_policy_or_another_corpus_changes_the_tables_of_one_that_is_not_read_again(two):
    two("drop").write_sheet()
    moved = two("move")
    moved.write_sheet()
    assert rows(moved)["three"].split == "test"
    assert rows(moved)["one"].reason is None
    unused = two("move", other={"evaluate": False})
    unused.write_sheet()
    assert {row.split for row in rows(unused).values()} == {"train"}


def test_tables_that_follow_the_decisions_are_left_alone(two):
    mine = two("move")
    mine.write_sheet()
    table = next(path for path in (mine.root / "sheet").glob("*.jsonl") if path.stat().st_size)
    table.write_text("not written again")
    mine.write_sheet()
    assert table.read_text() == "not written again"


def test_a_usual_value_is_left_out_of_a_row(two):
    mine = two("drop")
    mine.write_sheet()
    lines = [line for path in (mine.root / "sheet").glob("*.jsonl") for line in path.read_text().splitlines()]
    kept = next(said for said in map(json.loads, lines) if said["clip_id"] == "two")
    assert kept.keys() == {"clip_id", "dataset", "split", "speaker", "video_id", "source"}

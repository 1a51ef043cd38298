"""Facts about funnel, gate and index: no clip is lost without a trace."""

import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tavce import store
from tavce.cli import main
from tavce.data.counts import count, table
from tavce.files import read_json
from tavce.records import ClipRecord, InputError, Row, read_records, write_lines
from tavce.stages import SHARD_STAGES

SHARDS = {"0000": ("a", "b", "c"), "0001": ("d", "e")}
SPLITS = {"a": "train", "b": "train", "c": "val", "d": "test", "e": "train"}
LOST_AT = {"b": ("sheet", "missing_file"), "c": ("detect", "no_face"), "e": ("trim", "silent")}
NUMBERS = {"quality": {"first_frame": 10}, "mel": {"mel_steps": 321}, "motion": {"frames": 100}}
ORDER = ("sheet", *SHARD_STAGES)


def record(clip_id, stage):
    """Return what a stage says of a clip, which `mel` and `motion` know lost by then."""
    lost_at, reason = LOST_AT.get(clip_id, (None, None))
    seen = lost_at is not None and _reaches(lost_at, stage)
    return ClipRecord(
        **_about(clip_id),
        stage=stage,
        version=1,
        reason=reason if seen else None,
        lost_at=lost_at if seen else None,
        detail="tab\there" if seen else "",
        numbers={} if seen else NUMBERS.get(stage, {}),
    )


def _reaches(lost_at, stage):
    """Return whether a loss at one stage is known at another."""
    return lost_at in ORDER[: ORDER.index(stage) + 1]


def _about(clip_id):
    return {"clip_id": clip_id, "dataset": "mine", "split": SPLITS[clip_id], "speaker": clip_id}


@pytest.fixture
def root(tmp_path):
    """Two shards of which every stage has kept its records, and their index."""
    root = tmp_path / "results" / "mine"
    for shard, clips in SHARDS.items():
        rows = [Row(**_about(name), video_id=name, source=f"{name}.mp4") for name in clips]
        lost = {"reason": "missing_file", "detail": "tab\there"}
        rows = [Row(**{**row.model_dump(), **lost}) if row.clip_id == "b" else row for row in rows]
        write_lines(root / "sheet" / f"{shard}.jsonl", rows)
        for stage in SHARD_STAGES:
            write_lines(root / stage / f"{shard}.jsonl", [record(name, stage) for name in clips])
        for stage in ("crop", "mel", "motion"):
            _write_arrays(root / stage / f"{shard}.h5", stage, clips)
    assert index(root) == 0
    return root


def _write_arrays(path, stage, clips, version=1):
    with store.create(path, store.Origin(stage, version, "")) as writer:
        for name in clips:
            writer.put(name, {stage: np.zeros(3)})


def index(root, *options) -> int:
    files = ["--out", str(root / "index.parquet"), "--records", str(root / "index.jsonl")]
    return main(["index", "--root", str(root), "--shards", *SHARDS, *files, *options])


def run_funnel(root) -> int:
    files = ["--out", str(root.parent / "funnel.json"), "--dropped", str(root.parent / "dropped.tsv")]
    return main(["funnel", "--results", str(root.parent), "--datasets", "mine", *files])


def test_the_counts_of_every_stage_add_up_to_the_sheet(root):
    stages, _ = count(root)
    assert list(stages) == ["sheet", *SHARD_STAGES, "index"]
    for stage, splits in stages.items():
        totals = {split: tally["total"] for split, tally in splits.items()}
        assert totals == {"test": 1, "train": 3, "val": 1}, stage
        assert all(tally["total"] == tally["kept"] + sum(tally["dropped"].values()) for tally in splits.values())
    assert stages["detect"]["val"] == {"total": 1, "kept": 0, "dropped": {"no_face": 1}}
    assert stages["index"]["train"] == {"total": 3, "kept": 1, "dropped": {"missing_file": 1, "silent": 1}}


def test_the_index_lists_the_finished_clips_and_where_they_lie(root):
    entries = pq.read_table(root / "index.parquet").to_pylist()
    assert [entry["clip_id"] for entry in entries] == ["a", "d"]
    assert entries[1] == {
        **_about("d"),
        "video_id": "d",
        "source": "d.mp4",
        "licence": "unknown",
        "start_frame": 0,
        "first_frame": 10,
        "frames": 100,
        "mel_steps": 321,
        "shard": "0001",
        **{stage: str(root / stage / "0001.h5") for stage in ("trim", "crop", "mel", "motion")},
        **{f"{stage}_digest": store.stored_digest(root / stage / "0001.h5") for stage in ("crop", "mel", "motion")},
    }


def test_the_index_is_another_one_exactly_where_a_shard_holds_something_else(root):
    before = (root / "index.parquet").read_bytes()
    _write_arrays(root / "mel/0000.h5", "mel", SHARDS["0000"], version=2)
    assert index(root) == 0
    assert (root / "index.parquet").read_bytes() == before
    _write_arrays(root / "mel/0000.h5", "mel", SHARDS["0000"][:2])
    assert index(root) == 0
    was, now = (
        table.to_pylist() for table in (pq.read_table(pa.BufferReader(before)), pq.read_table(root / "index.parquet"))
    )
    assert [[name for name in row if row[name] != old[name]] for old, row in zip(was, now, strict=True)] == [
        ["mel_digest"],
        [],
    ]


def test_the_index_refuses_a_shard_without_a_digest(root, capsys):
    with h5py.File(root / "motion/0001.h5", "a") as file:
        del file.attrs["digest"]
    assert index(root) == 2
    assert "motion/0001.h5 has no digest, an older version wrote it: rerun the stage" in capsys.readouterr().err


def test_the_index_says_of_a_lost_clip_where_it_was_lost(root):
    final = {entry.clip_id: (entry.lost_at, entry.reason) for entry in read_records(root / "index.jsonl")}
    assert final == {"a": (None, None), "d": (None, None), **LOST_AT}


def test_the_index_refuses_records_that_do_not_stand_beside_each_other(root, capsys):
    path = root / "mel" / "0000.jsonl"
    write_lines(path, read_records(path)[::-1])
    assert index(root) == 2
    assert "the records of a, c, a stand in the line of a: rerun `quality`" in capsys.readouterr().err


def test_the_index_drops_a_duplicate_and_names_the_clip_that_stays(root):
    """a trains and comes first, d is held out."""
    hashes = {"sound_hash": "0" * 16, "picture_hash": "0" * 48}
    for shard in SHARDS:
        path = root / "quality" / f"{shard}.jsonl"
        said = [entry.model_copy(update={"numbers": {**entry.numbers, **hashes}}) for entry in read_records(path)]
        write_lines(path, said)
    assert index(root, "--settings", '{"duplicates": {"max_bits": 3}}') == 0
    assert pq.read_table(root / "index.parquet")["clip_id"].to_pylist() == ["d"]
    final = {entry.clip_id: entry for entry in read_records(root / "index.jsonl")}
    assert (final["a"].reason, final["a"].lost_at) == ("duplicate", "index")
    assert final["a"].detail == "its sound and pictures are those of d (duplicates.max_bits)"
    assert {name: (final[name].lost_at, final[name].reason) for name in LOST_AT} == LOST_AT
    assert count(root)[0]["index"]["train"] == {
        "total": 3,
        "kept": 0,
        "dropped": {"duplicate": 1, "missing_file": 1, "silent": 1},
    }


def test_the_funnel_writes_its_counts_and_a_line_for_every_lost_clip(root):
    assert run_funnel(root) == 0
    assert read_json(root.parent / "funnel.json") == {"mine": count(root)[0]}
    assert (root.parent / "dropped.tsv").read_text(encoding="utf-8").splitlines() == [
        "dataset\tclip\tspeaker\tstage\treason\tdetail",
        "mine\tb\tb\tsheet\tmissing_file\ttab here",
        "mine\tc\tc\tdetect\tno_face\ttab here",
        "mine\te\te\ttrim\tsilent\ttab here",
    ]


@pytest.mark.parametrize("stage", [*SHARD_STAGES, "index"])
def test_a_stage_that_loses_a_clip_is_refused(root, stage):
    path = root / "index.jsonl" if stage == "index" else root / stage / "0000.jsonl"
    write_lines(path, read_records(path)[1:])
    with pytest.raises(
        InputError, match=rf"shard 0000: {stage} accounts for [23] clips, the sheet has 3, or others: rerun {stage}"
    ):
        count(root)


def test_a_clip_more_in_the_index_than_in_the_sheet_is_refused(root):
    path = root / "index.jsonl"
    write_lines(path, [*read_records(path), record("d", "motion")])
    with pytest.raises(InputError, match="mine: index accounts for 1 clips, the sheet has 0, or others"):
        count(root)


def test_a_stage_that_counts_a_clip_twice_is_refused(root, capsys):
    path = root / "crop" / "0001.jsonl"
    write_lines(path, [record("d", "crop"), record("d", "crop")])
    assert run_funnel(root) == 2
    assert "shard 0001: crop accounts for 2 clips, the sheet has 2, or others" in capsys.readouterr().err
    assert not (root.parent / "funnel.json").exists()


def test_the_table_has_a_line_a_stage(root):
    lines = table({"mine": count(root)[0]}).splitlines()
    assert lines[0].split() == ["dataset", "stage", "sheet", "kept", "dropped", "so", "far"]
    assert [line.split()[1] for line in lines[1:]] == ["sheet", *SHARD_STAGES, "index"]
    assert lines[1].split(maxsplit=4) == ["mine", "sheet", "5", "4", "missing_file 1"]
    assert lines[-1].split(maxsplit=4) == ["mine", "index", "5", "2", "missing_file 1, no_face 1, silent 1"]


def gate(root, **limits) -> int:
    run_funnel(root)
    sections = json.dumps({"gate": {"train": 1, "val": 1, "test": 1, **limits}})
    files = ["--funnel", str(root.parent / "funnel.json"), "--out", str(root.parent / "gate.json")]
    return main(["gate", "--settings", sections, *files, "--train", "mine", "--evaluate", "mine"])


def test_the_gate_names_split_setting_and_where_clips_went(root, capsys):
    assert gate(root) == 2
    words = capsys.readouterr().err
    assert "tavce gate: 0 val clips are left of 1 in mine, gate.val asks for 1." in words
    assert "mine         detect           5       2  missing_file 1, no_face 1, silent 1" in words
    assert "else lower gate.val." in words
    assert not (root.parent / "gate.json").exists()


@pytest.mark.parametrize(("split", "left"), [("train", 1), ("test", 1)])
def test_the_gate_asks_for_every_split(root, capsys, split, left):
    assert gate(root, val=1, **{split: 2}) == 2
    shut = {"train": "1 train clips are left of 3", "test": "0 val clips are left of 1"}
    assert shut[split] in capsys.readouterr().err


def test_an_open_gate_writes_what_is_left(root):
    write_lines(root / "index.jsonl", [record(name, "sheet") for name in "abcde"])
    assert gate(root) == 0
    assert read_json(root.parent / "gate.json") == {"train": 2, "val": 1, "test": 1}

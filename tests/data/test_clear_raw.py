"""Facts about the removal of downloads whose clips are cut."""

import json

import pytest
from coded_video import steady, tone, write_coded
from pipeline import SHARD, Pipeline, row, settings

from tavce.cli import main
from tavce.fetch.raw import refuse_cleared
from tavce.files import sha256
from tavce.records import InputError

SETTINGS = settings(trim={"min_frames": 20}, download={"attempts": 1, "reserve_gb": 0, "keep_raw": False})


@pytest.fixture
def shard(tmp_path):
    """A shard after trim: two clips of one video, one that trim drops, one that is lost, one of the user's."""
    served = tmp_path / "served"
    served.mkdir()
    write_coded(served / "a.mp4", steady(25, 40), tone(1.6))
    write_coded(served / "silent.mp4", steady(25, 40))
    write_coded(tmp_path / "own.mp4", steady(25, 40), tone(1.6))
    pipeline = Pipeline(tmp_path, SETTINGS)
    sources = {"a1": "served:a.mp4", "a2": "served:a.mp4", "s": "served:silent.mp4", "gone": "served:gone.mp4"}
    rows = [row(name, source, video_id=source) for name, source in sources.items()]
    pipeline.write_rows(*rows, row("own", tmp_path / "own.mp4"))
    assert pipeline.run("download", "--serve", served) == 0
    pipeline.run_all("trim")
    assert pipeline.reasons("trim") == {"a1": None, "a2": None, "s": "no_audio", "gone": "unavailable", "own": None}
    return pipeline


def clear(pipeline, *options):
    files = ("--downloaded", pipeline.records_path("download"), "--trimmed", pipeline.records_path("trim"))
    places = ("--raw", pipeline.folder / "raw", "--listing", pipeline.folder / "cleared.json")
    return main(["clear_raw", *map(str, (*files, *places, *options))])


def whole(pipeline):
    return [path for path in (pipeline.folder / "raw").glob("*.mp4")]


def test_downloads_are_removed_and_listed_and_the_user_s_own_file_stays(shard):
    size = sum(path.stat().st_size for path in whole(shard))
    removed = sorted(map(str, whole(shard)))
    own = sha256(shard.folder / "own.mp4")
    assert clear(shard) == 0
    assert json.loads((shard.folder / "cleared.json").read_text()) == {"removed": removed, "bytes": size}
    assert (len(removed), whole(shard), sha256(shard.folder / "own.mp4")) == (2, [], own)


def test_a_killed_removal_is_done_again_and_lists_the_same(shard):
    assert clear(shard) == 0
    listing = (shard.folder / "cleared.json").read_bytes()
    assert clear(shard) == 0
    assert (shard.folder / "cleared.json").read_bytes() == listing


def test_what_lies_elsewhere_is_left_alone_even_where_a_link_leads_there(shard, tmp_path):
    (target,) = [path for path in whole(shard) if "silent" not in path.name]
    moved = tmp_path / "elsewhere.mp4"
    target.rename(moved)
    target.symlink_to(moved)
    assert clear(shard) == 0
    assert moved.is_file()
    assert str(target) not in json.loads((shard.folder / "cleared.json").read_text())["removed"]


def test_who_misses_a_removed_download_is_told_which_shard_to_fetch(shard):
    path = shard.records("download")["a1"].numbers["path"]
    refuse_cleared(path)
    clear(shard)
    with pytest.raises(InputError, match=rf"--forcerun results/mine/download/{SHARD}.jsonl"):
        refuse_cleared(path)
    refuse_cleared(shard.folder / "raw" / "never.mp4")


def test_the_download_s_command_fetches_it_anew(shard):
    clear(shard)
    assert shard.run("download", "--serve", shard.folder / "served") == 0
    assert shard.reasons("download")["a1"] is None
    refuse_cleared(shard.records("download")["a1"].numbers["path"])


def test_records_of_two_shards_are_refused(shard, tmp_path, capsys):
    lines = shard.records_path("trim").read_text(encoding="utf-8").splitlines(keepends=True)
    shard.records_path("trim").write_text("".join(lines[1:]), encoding="utf-8")
    assert clear(shard) == 2
    assert "is not of the shard" in capsys.readouterr().err
    assert len(whole(shard)) == 2


def test_trim_says_how_to_fetch_what_was_removed(shard, capsys):
    assert clear(shard) == 0
    assert shard.run("trim") == 2
    assert "--forcerun results/mine/download/0000.jsonl" in capsys.readouterr().err

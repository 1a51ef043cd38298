"""Facts about duplicates of real media: a clip that is encoded anew is one, other words of the same speaker are not."""

import dataclasses
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from coded_video import ffmpeg
from pipeline import SHARD, Pipeline, row, settings

from tavce.cli import main
from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip
from tavce.records import read_records

pytestmark = pytest.mark.slow
SMALLER = ("-vf", "scale=180:180", "-crf", "30", "-c:a", "aac", "-b:a", "48k")
LARGER = ("-vf", "scale=400:400", "-crf", "26", "-c:a", "libmp3lame", "-b:a", "64k", "-af", "volume=3dB")


@pytest.fixture(scope="module")
def mine(tmp_path_factory, demo_video) -> Pipeline:
    """A clip, two copies of it that were encoded anew, and the same head saying something else."""
    folder = tmp_path_factory.mktemp("copies")
    clip = plan(4, ClipsPerSpeaker(1, 1, 1), seed=5)[0]
    other = dataclasses.replace(clip, clip_id="other", sentence="Every farmer wanted a warm loaf of bread at night.")
    files = {"head": demo_video, "other": render_clip(other, folder)}
    for name, how in (("smaller", SMALLER), ("larger", LARGER)):
        files[name] = folder / f"{name}.mp4"
        ffmpeg("-i", demo_video, "-c:v", "libx264", *how, files[name])
    mine = Pipeline(folder, settings(motion={"expression": 8}))
    mine.write_rows(*(row(name, path, split="test" if name == "larger" else "train") for name, path in files.items()))
    mine.run_all("download", "trim", "detect", "crop", "quality", "mel")
    basis = folder / "basis.npz"
    inputs = ["--crops", str(mine.h5("crop")), "--records", str(mine.records_path("quality")), "--out", str(basis)]
    assert main(["basis", "--settings", mine.settings.sections("basis"), *inputs]) == 0
    assert mine.run("motion", "--basis", basis) == 0
    return mine


def index(mine: Pipeline, max_bits: str) -> dict[str, str]:
    """Return the clips that the index drops, and why."""
    files = {name: mine.root / f"index.{name}" for name in ("parquet", "jsonl")}
    said = ["--settings", f'{{"duplicates": {{"max_bits": {max_bits}}}}}', "--root", str(mine.root)]
    out = ["--shards", SHARD, "--out", str(files["parquet"]), "--records", str(files["jsonl"])]
    assert main(["index", *said, *out]) == 0
    kept = set(pq.read_table(files["parquet"])["clip_id"].to_pylist())
    lost = {record.clip_id: record.detail for record in read_records(Path(files["jsonl"])) if not record.kept}
    assert kept | lost.keys() == {row.clip_id for row in mine.rows()}
    return lost


def test_copies_encoded_anew_give_way_to_the_one_that_is_held_out(mine):
    lost = index(mine, "3")
    assert lost.keys() == {"head", "smaller"}
    assert all("those of larger" in detail for detail in lost.values())


def test_nothing_is_lost_where_duplicates_are_not_looked_for(mine):
    assert index(mine, "null") == {}

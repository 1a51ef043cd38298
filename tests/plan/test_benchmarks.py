"""Facts about what is read of the user's own benchmarks."""

import json

import pytest

from tavce.plan import benchmarks
from tavce.plan.benchmarks import Rate
from tavce.records import ClipRecord, InputError, Reason, write_lines

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write(folder, stage, dataset, shard, wall_s, rss="500.0", seconds=(10.0, 20.0)):
    """Write a job's benchmark, what `trim` says of its clips, and its arrays: 600 bytes."""
    path = folder / "benchmarks" / stage / dataset / f"{shard}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{wall_s}\t0:00:01\t{rss}\t1\t1\t1\t1\t1\t99\t{wall_s}\n", encoding="utf-8")
    results = folder / "results" / dataset
    named = {"dataset": dataset, "split": "train", "speaker": "s", "stage": "trim", "version": 1}
    kept = [ClipRecord(clip_id=f"c{n}", **named, numbers={"seconds": s}) for n, s in enumerate(seconds)]
    lost = ClipRecord(clip_id="lost", **named, reason=Reason.SILENT, lost_at="trim")
    write_lines(results / "trim" / f"{shard}.jsonl", [*kept, lost])
    (results / stage).mkdir(parents=True, exist_ok=True)
    (results / stage / f"{shard}.h5").write_bytes(bytes(600))
    return path


def read(folder):
    return benchmarks.read(str(folder / "benchmarks"), str(folder / "results"))


def test_a_rate_is_that_of_all_jobs_together_and_memory_that_of_the_largest(tmp_path):
    write(tmp_path, "crop", "a", "0000", 15.0, "100.0")
    write(tmp_path, "crop", "a", "0001", 45.0, "200.0", seconds=(30.0,))
    write(tmp_path, "crop", "b", "0000", 90.0, "NA")
    rates = read(tmp_path)
    assert rates["a", "crop"] == Rate(2, 1.0, 20.0, pytest.approx(200 * 2**20 / 1e6), 30.0)
    assert rates["b", "crop"] == Rate(1, 3.0, 20.0, None, 90.0)
    assert rates[None, "crop"].wall_s == (15 + 45 + 90) / 90
    assert rates.keys() == {("a", "crop"), ("b", "crop"), (None, "crop")}


def test_a_downloads_bytes_are_those_of_its_videos_counted_once(tmp_path):
    write(tmp_path, "download", "a", "0000", 30.0)
    (tmp_path / "results/a/download/0000.h5").unlink()
    named = {"dataset": "a", "split": "train", "speaker": "s", "stage": "download", "version": 1}
    videos = [("c0", "x.mp4", 900), ("c1", "x.mp4", 900), ("c2", "y.mp4", None)]  # y is the user's own file
    write_lines(
        tmp_path / "results/a/download/0000.jsonl",
        [
            ClipRecord(clip_id=clip, **named, numbers={"path": path, **({"bytes": size} if size else {})})
            for clip, path, size in videos
        ],
    )
    assert read(tmp_path)["a", "download"].bytes == 900 / 30


def test_a_shard_without_a_kept_clip_says_nothing_of_its_stage(tmp_path):
    write(tmp_path, "crop", "a", "0000", 1.0, seconds=())
    write(tmp_path, "crop", "b", "0000", 30.0)
    assert read(tmp_path).keys() == {("b", "crop"), (None, "crop")}


def test_where_no_clip_was_kept_there_is_nothing_to_learn(tmp_path):
    write(tmp_path, "crop", "a", "0000", 1.0, seconds=())
    with pytest.raises(InputError, match="no clip was kept"):
        read(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="benchmarks is no folder"):
        read(tmp_path)


def test_a_folder_without_benchmarks_of_data_stages_is_named(tmp_path):
    (tmp_path / "benchmarks/synthesise/a").mkdir(parents=True)
    with pytest.raises(InputError, match=r"holds no \{stage\}/\{dataset\}/\{shard\}\.tsv"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", HEADER, HEADER + "soon\tNA\n", "a\tb\n1\t2\n"], ids=json.dumps)
def test_a_benchmark_without_a_measurement_is_named(tmp_path, text):
    path = write(tmp_path, "crop", "a", "0000", 1.0)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"0000\.tsv holds no measurement: remove it, or rerun its job"):
        read(tmp_path)


def test_a_benchmark_of_results_that_are_elsewhere_is_named(tmp_path):
    write(tmp_path, "crop", "a", "0000", 1.0)
    with pytest.raises(InputError, match="is of a shard without records: name the folder of results with --results"):
        benchmarks.read(str(tmp_path / "benchmarks"), str(tmp_path / "elsewhere"))


def test_jobs_that_took_seconds_are_known_to_be_mostly_start(tmp_path):
    write(tmp_path, "crop", "a", "0000", 29.0)
    write(tmp_path, "trim", "a", "0000", 30.0)
    rates = read(tmp_path)
    assert (rates["a", "crop"].mostly_start, rates["a", "trim"].mostly_start) == (True, False)

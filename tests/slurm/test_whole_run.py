"""Facts about what a whole run has made: demo corpus, every rule, tables, report, MLflow.

On the cluster, by `snakemake --profile slurm all`; where there can be none, on this machine alone.
"""

import csv
import sqlite3

import av
import pyarrow.parquet as pq

from tavce.data.counts import STAGES_IN_ORDER
from tavce.files import read_json
from tavce.records import read_records

METHODS = {"ground_truth", "static", "no_correlation", "ours"}


def test_the_counts_of_every_stage_add_up_to_the_sheet(whole):
    folder = whole.folder
    stages = read_json(folder / "results/funnel/funnel.json")["demo"]
    assert {*stages} == {*STAGES_IN_ORDER}
    for splits in stages.values():
        assert {split: counts["total"] for split, counts in splits.items()} == {"train": 2, "val": 1, "test": 2}
        assert all(counts["kept"] + sum(counts["dropped"].values()) == counts["total"] for counts in splits.values())


def test_the_funnel_is_printed_at_the_end(whole):
    assert "every stage accounts for every clip" in whole.said
    for path in ("results/tables/demo.md", "results/report/index.html"):
        assert f"see {path}" in whole.said
        assert (whole.folder / path).is_file()


def test_the_tables_have_every_method_with_its_number_of_clips(whole):
    rows = []
    for table in ("demo", "demo_ablations"):
        with open(whole.folder / f"results/tables/{table}.csv", newline="") as file:
            rows += csv.DictReader(file)
    assert {row["method"] for row in rows} == METHODS
    lmd = {row["method"]: row for row in rows if row["metric"] == "lmd_mouth"}
    assert {row["row_dropped"] for row in rows} == {"0"}
    assert lmd["ground_truth"]["n"] == lmd["static"]["n"] == "2"  # two steps of training need not paint a face
    assert float(lmd["ground_truth"]["value"]) < float(lmd["static"]["value"])


def test_the_funnel_s_table_has_every_stage(whole):
    rows = read_json(whole.folder / "results/tables/funnel.json")["rows"]
    assert [row["stage"] for row in rows] == [*STAGES_IN_ORDER]


def test_every_video_has_sound_and_as_many_frames_as_its_clip(whole):
    folder = whole.folder
    index = pq.read_table(folder / "results/demo/index.parquet").to_pylist()
    frames = {row["clip_id"]: row["frames"] for row in index}
    for method in METHODS:
        for record in read_records(folder / f"results/synthesise/demo/{method}.jsonl"):
            with av.open(str(folder / f"results/synthesise/demo/{method}/{record.clip_id}.mp4")) as video:
                assert video.streams.video[0].frames == frames[record.clip_id]
                assert video.streams.audio[0].duration > 0


def test_mlflow_has_one_parent_run_and_a_nested_run_for_every_training_check_and_score(whole):
    folder = whole.folder
    with sqlite3.connect(folder / "results/mlflow.db") as store:
        runs = dict(store.execute("select run_uuid, name from runs"))
        parents = dict(store.execute("select run_uuid, value from tags where key = 'mlflow.parentRunId'"))
        status = dict(store.execute("select run_uuid, status from runs"))
    trained = {
        "metric/paper",
        "metric/recommended",
        "listen/paper",
        "listen/recommended",
        "audio2exp",
        "audio2pose",
        "renderer/ours",
        "renderer/no_correlation",
    }
    scored = {f"score/{method}" for method in METHODS}
    assert {runs[run] for run in parents} == trained | scored
    assert len(set(parents.values())) == 1
    assert set(runs) - set(parents) == set(parents.values())
    assert set(status.values()) == {"FINISHED"}


def test_a_run_leads_from_its_checkpoint_to_settings_commit_and_index(whole):
    folder = whole.folder
    lineage = read_json(folder / "results/renderer/ours/run.json")
    assert lineage["settings"]["renderer"]["metric"] == "recommended"
    assert lineage["checkpoint"]["path"] == "results/renderer/ours/best.pt"
    assert lineage["mlflow_run_id"]
    assert len(lineage["index_digest"].split("-")[0]) == 16


def test_a_second_run_has_nothing_to_do(whole, tmp_path):
    assert "Nothing to be done" in whole.copy(tmp_path / "again").run("all")

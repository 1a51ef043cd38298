"""Facts about the lineage of a table's cell, from small files written by hand."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tavce.cli import main
from tavce.evaluate.lineage import Lineage, lineage
from tavce.files import read_json, sha256, write_json
from tavce.measure.metrics import METRIC
from tavce.measure.rows import ScoreRow, write_scores

HERE = "results"
PSNR = {"ours": [19.0, 21.0, 17.0], "ours-2025": [20.0, 22.0, 18.0], "static": [16.0, 15.0, 14.0]}
OFFSET = [-3, 0, 2]
LOST = "dropped at crop: no_face: nobody there"
SECRET = "sha of the metric"


def column(name: str) -> dict[str, Any]:
    """Return a metric as a table has it."""
    metric = METRIC[name]
    keys = ("name", "heading", "identity", "unit", "better", "digits", "definition", "pooled")
    return {key: getattr(metric, key) for key in keys}


def cell(**changes: object) -> dict[str, Any]:
    """Return a measured cell."""
    empty = {"value": None, "low": None, "high": None, "sd_seeds": None, "seed_values": [], "n": 3, "seed_n": [3]}
    empty |= {"speakers": 2, "dropped": 1, "missing": {}, "why_no_value": None, "why_no_interval": None}
    return {**empty, "against_baseline": None, "mark": None, **changes}


def row(method: str, label: str, runs: list[str], **cells: object) -> dict[str, Any]:
    """Return a measured row."""
    scores = {run: f"{HERE}/score/demo/{run}.parquet" for run in runs}
    run_json = {run: f"{HERE}/score/demo/{run}.run.json" for run in runs}
    names = {"method": method, "label": label, "kind": "measured", "source": None, "runs": runs}
    return {**names, "clips": 4, "dropped": 1, "scores": scores, "run_json": run_json, "cells": cells}


def table() -> dict[str, Any]:
    """Return a table of two seeds of `ours`, of `static` and of a quoted method."""
    few = "2 speakers, tables.min_speakers is 8"
    tested = {"difference": -4.5, "low": -6.0, "high": -3.0, "pairs": 3, "speakers": 2, "p": 0.5, "p_holm": 1.0}
    ours = row(
        *("ours", "Ours", ["ours", "ours-2025"]),
        psnr=cell(value=19.5, low=18.0, high=21.0, sd_seeds=0.70711, seed_values=[19.0, 20.0], mark="best"),
        av_offset=cell(value=5 / 3, seed_values=[5 / 3, 5 / 3], why_no_interval=few),
        tavc=cell(value=None, why_no_value="0 clips, tables.min_clips is 2", missing={"flat": 3}),
        fid=cell(value=50.0, sd_subsets=1.5, n=4096),
        tavc_shuffled=cell(value=0.5, seed_values=[0.5, 0.5]),
    )
    static = row("static", "Still picture", ["static"], psnr=cell(value=15.0, seed_values=[15.0], why_no_interval=few))
    static["cells"]["psnr"]["against_baseline"] = tested
    static["cells"]["fid"] = cell(value=80.0, n=4096)
    quoted = {"method": "wav2lip", "label": "Wav2Lip", "kind": "quoted", "source": "A paper, table 2", "runs": []}
    quoted["cells"] = {"psnr": {"value": 30.0}}
    names = ("psnr", "av_offset", "tavc", "fid", "tavc_shuffled")
    for line in (ours, static, quoted):
        line["cells"] = {name: line["cells"].get(name, {}) for name in names}
    heads = {"format": 1, "table": "demo", "kind": "comparison", "dataset": "demo", "baseline": "ours", "alpha": 0.05}
    return {**heads, "metrics": [column(name) for name in names], "rows": [ours, static, quoted], "notes": []}


def score_rows(run: str) -> list[ScoreRow]:
    """Return three clips with numbers, of which TAVC has none, and one that was dropped."""
    same = {"split": "test", "dataset": "demo", "method": run}
    rows = []
    for place, (psnr, offset) in enumerate(zip(PSNR[run], OFFSET, strict=True)):
        metrics = {"psnr": psnr, "av_offset": offset, "tavc": None, "tavc_shuffled": (place + 1) / 4, "fid": None}
        facts = {"clip_id": f"c{place}", "speaker": "ann" if place else "bob", "source": "a.mp4"}
        facts |= {"video": f"results/synthesise/demo/{run}/c{place}.mp4", "notes": {"resized": "256"} if place else {}}
        rows.append(ScoreRow(**same, **facts, metrics=metrics, reasons={"tavc": "flat"}))
    gone = {"clip_id": "c3", "speaker": "bob", "source": None, "video": None}
    return [*rows, ScoreRow(**same, **gone, metrics={}, reasons={"psnr": LOST, "tavc": LOST})]


def write_run(path: Path, stage: str, name: str, **more: object) -> None:
    """Write a run.json."""
    facts = {"stage": stage, "name": name, "mlflow_run_id": f"id of {stage} {name}", "settings_digest": "d1"}
    facts |= {"settings": {}, "git_commit": "abc", "index_digest": "i1", "seconds": 1.5, "metrics": {}}
    write_json(path, {**facts, **more})


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """Return a folder of results in which `ours` is trained, `ours-2025` is not, and `static` cannot be."""
    root = tmp_path_factory.mktemp("explained") / HERE
    write_json(root / "tables/demo.json", table())
    entries = [
        {"clip_id": f"c{place}", "video_id": "v", "source": "https://example.org/v", "licence": "CC BY 4.0"}
        | {"start_frame": 50, "first_frame": 25 * place, "frames": 30}
        for place in range(3)
    ]
    (root / "demo").mkdir()
    pq.write_table(pa.Table.from_pylist(entries), root / "demo/index.parquet")
    for run in PSNR:
        write_scores(root / f"score/demo/{run}.parquet", score_rows(run))
        digest = sha256(root / "demo/index.parquet")
        more = {"settings": {"max_lag_frames": 15, "tavc": "recommended"}, "index_sha256": digest}
        write_run(root / f"score/demo/{run}.run.json", "score", run, **more)
    learnt = {"renderer": {"attention": "features", "weights": {"correlation": 0.1}, "metric": "recommended"}}
    checkpoint = {"path": "results/renderer/ours/best.pt", "sha256": "f" * 64}
    facts = {"settings": learnt, "checkpoint": checkpoint, "index_digest": f"i1-{SECRET[:16]}"}
    write_run(root / "renderer/ours/run.json", "renderer", "ours", **facts)
    write_run(root / "audio2exp/run.json", "audio2exp", "", mlflow_run_id=None)
    write_json(root / "audio2exp/mlflow.json", {"run_id": "sent later"})
    metric = {"path": "results/metric/recommended/best.pt", "sha256": SECRET}
    write_run(root / "metric/recommended/run.json", "metric", "recommended", checkpoint=metric)
    return root


@pytest.fixture
def copied(written, tmp_path) -> Path:
    """Return a copy of the results, to be changed."""
    return Path(shutil.copytree(written, tmp_path / HERE))


def of(root: Path, row: str, column: str, clips: int = 5) -> dict[str, Any]:
    return lineage(read_json(root / "tables/demo.json"), row, column, root, clips)


def explain(capsys, root: Path, *arguments: str) -> str:
    """Return what the command prints."""
    assert main(["explain", *arguments, "--results", str(root)]) == 0
    return capsys.readouterr().out


def test_a_clip_is_told_with_its_value_its_source_and_the_seconds_it_is_of(written):
    first = of(written, "ours", "psnr")["runs"][0]["worst"][1]
    assert first == {
        "clip_id": "c0",
        "speaker": "bob",
        "value": 19.0,
        "source": "https://example.org/v",
        "video_id": "v",
        "start_s": 2.0,
        "end_s": 3.2,
        "licence": "CC BY 4.0",
        "video": "results/synthesise/demo/ours/c0.mp4",
        "notes": {},
    }
    assert of(written, "ours", "psnr")["runs"][0]["worst"][0]["start_s"] == 4.0  # two seconds into the corpus' clip


def test_worst_and_best_clips_are_by_the_metrics_direction_and_no_clip_is_both(written):
    def ends(column: str, clips: int) -> tuple[list[str], list[str]]:
        told = of(written, "ours", column, clips)["runs"][0]
        return tuple([clip["clip_id"] for clip in told[key]] for key in ("worst", "best"))

    assert ends("psnr", 1) == (["c2"], ["c1"])
    assert ends("psnr", 2) == (["c2", "c0"], ["c1"])
    assert ends("psnr", 5) == (["c2", "c0", "c1"], [])
    assert ends("psnr", 0) == ([], [])
    assert ends("av_offset", 1) == (["c0"], ["c1"])  # |−3| frames is worst, 0 is best
    assert ends("tavc_shuffled", 1) == (["c0"], ["c2"])  # neither direction is better: the lowest first


def test_the_size_of_an_offset_is_told_as_the_table_means_it(written):
    assert of(written, "ours", "av_offset")["runs"][0]["worst"][0]["value"] == 3


def test_clips_that_do_not_count_are_named_by_reason(written):
    told = of(written, "ours", "tavc")["runs"][0]
    assert told["dropped"] == {LOST: ["c3"]}
    assert told["without_number"] == {"flat": ["c0", "c1", "c2"]}
    assert told["clips"] == 0
    assert of(written, "ours", "av_offset")["runs"][0]["dropped"] == {LOST: ["c3"]}


def test_a_clip_without_a_reason_of_this_metric_is_not_told_with_anothers(copied):
    rows = [row.model_copy(update={"metrics": {**row.metrics, "psnr": None}}) for row in score_rows("static")]
    write_scores(copied / "score/demo/static.parquet", rows)
    told = of(copied, "static", "psnr")["runs"][0]
    assert told["without_number"] == {"no reason was told": ["c0", "c1", "c2"]}


def test_every_seed_is_a_run_with_its_own_value_and_clips(written):
    runs = of(written, "ours", "psnr")["runs"]
    assert [(run["run"], run["seed"], run["value"]) for run in runs] == [
        ("ours", None, 19.0),
        ("ours-2025", "2025", 20.0),
    ]
    assert runs[1]["worst"][0]["value"] == 18.0


def test_the_trainings_behind_a_run_are_told_as_far_as_they_are_there(written):
    told = of(written, "ours", "psnr")
    first, second = told["runs"]
    assert [(item["stage"], item.get("mlflow_run_id")) for item in first["trainings"]] == [
        ("renderer", "id of renderer ours"),
        ("audio2exp", "sent later"),
        ("audio2pose", None),
        ("metric", "id of metric recommended"),
    ]
    assert first["trainings"][0]["checkpoint"]["sha256"] == "f" * 64
    assert second["trainings"] == []
    assert told["not_there"] == [str(written / "audio2pose/run.json")]


def test_tavc_is_told_with_the_metric_that_was_asked(written):
    asked = of(written, "static", "psnr")["runs"][0]["trainings"]
    assert asked == []
    last = of(written, "ours", "tavc")["runs"][1]["trainings"]
    assert [(item["name"], item["asked"]) for item in last] == [("recommended", True)]


def test_a_renderer_without_attention_and_correlation_loss_has_no_metric_behind_it(copied):
    plain = {"renderer": {"attention": "none", "weights": {"correlation": 0.0}, "metric": "recommended"}}
    write_run(copied / "renderer/static/run.json", "renderer", "static", settings=plain)
    trainings = of(copied, "static", "psnr")["runs"][0]["trainings"]
    assert [item["stage"] for item in trainings] == ["renderer", "audio2exp", "audio2pose"]


def test_what_was_made_again_since_is_noted(copied):
    write_scores(copied / "score/demo/static.parquet", score_rows("static")[1:])
    write_run(copied / "score/demo/static.run.json", "score", "static", index_sha256="another")
    mean, index = of(copied, "static", "psnr")["runs"][0]["notes"]
    assert mean == "the mean of the rows of scores is 14.5, the table's is 15: rerun the stage tables"
    assert index.endswith("index.parquet was written again since the clips were measured: rerun the stage score")
    write_run(copied / "metric/recommended/run.json", "metric", "recommended", checkpoint={"sha256": "e" * 64})
    assert "trained again" in of(copied, "ours", "psnr")["runs"][0]["trainings"][3]["note"]
    assert of(copied, "ours", "psnr")["runs"][0]["notes"] == []


def test_a_file_is_read_once_for_all_cells(copied):
    seen = Lineage(copied)
    first = seen.of(table(), "ours", "psnr")
    shutil.rmtree(copied / "renderer")
    (copied / "score/demo/static.parquet").unlink()
    (copied / "score/demo/ours.parquet").write_bytes(b"changed")
    again = seen.of(table(), "ours", "psnr")["runs"][0]
    assert again["worst"] == first["runs"][0]["worst"]
    told = seen.of(table(), "static", "psnr")
    assert told["not_there"] == [str(copied / "score/demo/static.parquet")]
    assert "worst" not in told["runs"][0]


def test_a_pooled_metric_is_told_by_its_features_not_by_clips(written, capsys):
    told = of(written, "ours", "fid")["runs"][0]
    assert (told["worst"], told["without_number"], told["dropped"]) == ([], {}, {LOST: ["c3"]})
    text = explain(capsys, written, "demo", "ours", "FID")
    assert "value: 50.00 ± 1.50 over subsets of frames\ncounted: 4096 frames a subset; 1 clips without a number" in text
    assert (
        f"features of the generated and of the real frames, with their clips: {written}/score/demo/ours.features.npz"
        in text
    )


def test_the_command_says_it_in_words(written, capsys):
    text = explain(capsys, written, "demo", "Ours", "psnr", "--clips", "1")
    for line in (
        "Ours (ours), PSNR (psnr), table demo",
        "value: 19.50 dB ± 0.71 dB over seeds",
        "interval: 18.00 dB to 21.00 dB, 95 %, speakers drawn anew",
        "counted: 3 clips of 2 speakers; 1 clips without a number",
        f"metric: {METRIC['psnr'].definition}; higher is better",
        "identity: psnr.rgb8/1; numbers under another identity cannot be compared with it",
        "test: none: this is the method that the others are tested against",
        "run ours: 19.00 dB",
        '    settings: {"max_lag_frames": 15, "tavc": "recommended"}',
        f"    checkpoint: results/renderer/ours/best.pt, sha256 {'f' * 64}",
        f"  trained by audio2pose: {written}/audio2pose/run.json is not there",
        "  worst 1 of 3 clips:",
        "    17.00 dB  c2 (ann): https://example.org/v, 4.00 s to 5.20 s, CC BY 4.0; "
        "results/synthesise/demo/ours/c2.mp4 [resized: 256]",
        f"  dropped: 1: {LOST}: c3",
        "run ours-2025 (seed 2025): 20.00 dB",
        "  trained: no training of this name is among the results",
    ):
        assert f"{line}\n" in text
    assert "MLflow run id of score ours, settings d1, commit abc, index i1, 1.5 s\n" in text


def test_the_test_against_the_baseline_is_told(written, capsys):
    text = explain(capsys, written, "demo", "static", "PSNR")
    assert "interval: none: 2 speakers, tables.min_speakers is 8\n" in text
    assert (
        "test against ours: difference -4.50 dB (-6.00 dB to -3.00 dB) over 3 clips of 2 speakers, p 0.5, "
        "1 adjusted for the column's tests (Holm)\n"
    ) in text
    assert "test against ours: none: this metric is not tested\n" in explain(capsys, written, "demo", "static", "fid")


def test_a_cell_without_a_value_says_why(written, capsys):
    text = explain(capsys, written, "demo", "ours", "tavc")
    assert "value: none: 0 clips, tables.min_clips is 2\n" in text
    assert "without a number over all runs: 3 clips: flat\n" in text
    assert "  without a number: 3: flat: c0, c1, c2\n" in text


def test_a_quoted_number_leads_to_its_source(written, capsys):
    assert of(written, "wav2lip", "psnr")["runs"] == []
    text = explain(capsys, written, "demo", "Wav2Lip", "psnr")
    assert "quoted from: A paper, table 2; measured by others on clips of their choosing, and not compared\n" in text
    assert "value: 30.00 dB\nmetric: " in text
    assert "value: none: the table does not say why" in explain(capsys, written, "demo", "Wav2Lip", "fid")


def test_json_is_what_lineage_returns(written, capsys):
    path = str(written / "tables/demo.json")
    told = json.loads(explain(capsys, written, path, "ours", "psnr", "--json"))
    assert told["runs"] == of(written, "ours", "psnr")["runs"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("demoo", "ours", "psnr"), "demoo.json): did you mean 'demo'? There are demo"),
        (
            ("demo", "our", "psnr"),
            "has no row 'our': did you mean 'ours'? There are ours, static, wav2lip, Ours, Still",
        ),
        (("demo", "ours", "xyz"), "has no column 'xyz': there are psnr, av_offset, tavc, fid, tavc_shuffled, PSNR"),
        (("demo", "ours", "psnr", "--clips", "-1"), "--clips -1 is no number of clips: give 0 or more"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(written, capsys, arguments, words):
    assert main(["explain", *arguments, "--results", str(written)]) == 2
    assert words in capsys.readouterr().err


def test_where_there_are_no_tables_the_command_says_so(tmp_path, capsys):
    assert main(["explain", "demo", "ours", "psnr", "--results", str(tmp_path)]) == 2
    assert "demo.json): there is no table yet, run `snakemake tables`\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("tables/demo.json", "holds no table of this version"),
        ("score/demo/ours.run.json", "is not JSON: rerun the stage that writes it"),
        ("demo/index.parquet", "is no index of clips: rerun the stage index"),
        ("score/demo/ours.parquet", "has no rows of scores of this version"),
    ],
)
def test_a_broken_file_is_named_with_the_remedy(copied, capsys, file, words):
    (copied / file).write_text("broken", encoding="utf-8")
    assert main(["explain", "demo", "ours", "psnr", "--results", str(copied)]) == 2
    err = capsys.readouterr().err
    assert str(copied / file) in err
    assert words in err


def test_a_table_of_other_things_is_refused(copied, capsys):
    write_json(copied / "tables/funnel.json", {"table": "funnel"})
    assert main(["explain", "funnel", "ours", "psnr", "--results", str(copied)]) == 2
    assert "holds no table of this version" in capsys.readouterr().err

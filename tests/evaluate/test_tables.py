"""Facts about the tables: their numbers by hand, what is said of missing ones, and the forms that they have."""

import csv
import json
import math
import subprocess
import sys

import pytest
from toy_scores import ASK, NOT_ASKED, rows_of, tables_of, write_features, write_runs_of_scores

from tavce.cli import main
from tavce.config.evaluation import Quoted
from tavce.evaluate.latex import escape_latex, to_latex
from tavce.evaluate.markdown import to_markdown
from tavce.evaluate.seeds import in_words
from tavce.evaluate.spreadsheet import to_csv
from tavce.evaluate.table import Column, read_table, write_table
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.metrics import METRIC, METRICS
from tavce.measure.rows import by_method, parse_labels, read_scores, write_scores
from tavce.records import InputError

EIGHT = [f"s{k}" for k in range(8)]  # speakers of a clip each: 2 / 2^8 is the lowest p
LABELS = {"ground_truth": "Real video", "static": "Still <frame> & _sound_", "plain": "Without | both", "ours": "Ours"}
PAPER = Quoted(label="SadTalker", source="Zhang et al. 2023, table 1", datasets={"toy_set": {"psnr": 20.5}})


def eight_clips(**levels: float) -> list:
    """Return eight rows a method, PSNR that varies by clip about its level, SSIM 0.5 and frames."""
    return [
        row
        for method, level in levels.items()
        for row in rows_of(
            method, EIGHT, psnr=[level + k % 3 for k in range(8)], ssim=[0.5] * 8, frames=[20 + k for k in range(8)]
        )
    ]


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """The comparison and the ablations of four methods, a tenth of a dB apart on every clip, and a published one."""
    rows = eight_clips(ground_truth=40, static=20, plain=20.1, ours=20.2)
    return tables_of(tmp_path_factory.mktemp("ranked"), rows, LABELS, ["plain"], {"sadtalker": PAPER})


def cell(table, method: str, metric: str = "psnr"):
    return next(row.cells[metric] for row in table.rows if row.method == method)


def test_a_value_is_the_mean_over_the_clips_that_have_a_number(tmp_path):
    rows = rows_of("ours", ["ann", "ann", "bob", "bob"], psnr=[30, 31, None, 35])
    found = cell(tables_of(tmp_path, rows, {"ours": "Ours"})[0], "ours")
    assert (found.value, found.n, found.dropped, found.speakers) == (32.0, 3, 1, 2)
    assert found.missing == {"no face": 1}


def test_offsets_of_both_signs_do_not_cancel(tmp_path):
    rows = rows_of("ours", ["ann", "bob", "cas"], av_offset=[-2, 2, 5])
    assert cell(tables_of(tmp_path, rows, {"ours": "Ours"})[0], "ours", "av_offset").value == 3


def test_too_few_clips_give_a_reason_in_place_of_a_number(tmp_path):
    rows = rows_of("ours", EIGHT[:3], psnr=[30, None, 32])
    found = cell(tables_of(tmp_path, rows, {"ours": "Ours"}, min_clips=20)[0], "ours")
    assert (found.value, found.low, found.n, found.seed_n) == (None, None, 2, (2,))
    assert found.why_no_value == found.why_no_interval == "2 clips have a number, tables.min_clips is 20"


def test_too_few_speakers_give_a_number_without_interval_and_test(tmp_path):
    rows = eight_clips(ours=20, static=21)
    table = tables_of(tmp_path, rows, {"ours": "O", "static": "S"}, min_speakers=9)[0]
    assert "No interval of 6 cells: 8 speakers, tables.min_speakers is 9." in table.notes
    found = cell(table, "static")
    assert (found.value, found.low) == (pytest.approx(21.875), None)
    assert found.why_no_interval == found.against_baseline.why == "8 speakers, tables.min_speakers is 9"
    assert (found.against_baseline.pairs, found.against_baseline.p, found.mark) == (8, None, None)


def test_too_few_clips_that_both_have_give_no_test(tmp_path):
    rows = rows_of("ours", EIGHT[:4], psnr=[1, 2, 3, None]) + rows_of("static", EIGHT[:4], psnr=[None, None, 1, 2])
    found = cell(tables_of(tmp_path, rows, {"ours": "O", "static": "S"})[0], "static")
    assert found.against_baseline.why == "1 clip has both numbers, tables.min_clips is 2"


def test_a_method_is_not_tested_against_a_baseline_without_a_number(tmp_path):
    rows = rows_of("ours", EIGHT, psnr=[None] * 8) + rows_of("static", EIGHT, psnr=[20] * 8)
    table, _ = tables_of(tmp_path, rows, {"ours": "O", "static": "S"})
    assert cell(table, "static").against_baseline.why == "of ours: no clip has a number: no face"


def test_the_interval_holds_the_mean_and_is_wider_with_fewer_speakers(tmp_path):
    numbers = [20, 21, 22, 23, 24, 25, 26, 27]
    pairs = [f"s{k // 2}" for k in range(8)]
    tables = (tables_of(tmp_path, rows_of("ours", who, psnr=numbers), {"ours": "O"})[0] for who in (EIGHT, pairs))
    many, few = (cell(table, "ours") for table in tables)
    assert few.low < many.low < 23.5 < many.high < few.high


def test_the_test_against_the_baseline_is_paired_and_corrected_by_holm(ranked):
    tests = {name: cell(ranked[0], name).against_baseline for name in ("ground_truth", "static")}
    assert tests["static"].difference == pytest.approx(-0.2)
    assert tests["static"].p == tests["ground_truth"].p == 2 / 2**8  # all signs alike: the lowest of eight speakers
    assert tests["static"].p_holm == tests["ground_truth"].p_holm == 4 / 2**8  # two tests in the column
    assert cell(ranked[0], "ours").against_baseline is None


def test_a_metric_without_a_better_way_has_neither_test_nor_mark(ranked):
    found = cell(ranked[0], "static", "frames")
    assert (found.value, found.against_baseline, found.mark) == (23.5, None, None)


def test_equal_methods_differ_with_p_1_and_none_is_marked(ranked):
    assert cell(ranked[0], "static", "ssim").against_baseline.p_holm == 1
    assert [row.cells["ssim"].mark for row in ranked[0].rows] == [None] * 4


def test_best_and_second_are_marked_where_they_differ_and_real_videos_are_not(tmp_path):
    rows = eight_clips(ground_truth=40, static=20, plain=20.1, ours=20.2)
    table, _ = tables_of(tmp_path, rows, LABELS)
    marks = {row.method: row.cells["psnr"].mark for row in table.rows}
    assert marks == {"ground_truth": None, "static": None, "plain": "second", "ours": "best"}
    strict, _ = tables_of(tmp_path, rows, LABELS, alpha=2 / 2**8)  # less than 3 pairs times the lowest p
    assert {row.cells["psnr"].mark for row in strict.rows} == {None}


def test_ablations_stand_in_a_table_of_their_own_with_real_video_and_baseline(ranked):
    comparison, ablations = ranked
    assert [row.method for row in comparison.rows] == ["ground_truth", "static", "ours", "sadtalker"]
    assert [row.method for row in ablations.rows] == ["ground_truth", "plain", "ours"]
    assert (comparison.table, ablations.table, ablations.kind) == ("toy_set", "toy_set_ablations", "ablations")


def test_without_ablations_their_table_has_the_baseline_alone_and_says_so(tmp_path):
    _, table = tables_of(tmp_path, eight_clips(ground_truth=40, ours=20), LABELS)
    assert [row.method for row in table.rows] == ["ours"]
    assert table.notes[0] == "No variant of the renderer besides the baseline is among the methods."


def test_a_published_number_is_shown_with_its_source_and_never_tested_or_marked(ranked):
    row = ranked[0].rows[-1]
    assert (row.kind, row.source, row.cells["psnr"].value) == ("quoted", PAPER.source, 20.5)
    assert (row.cells["psnr"].n, row.cells["psnr"].against_baseline, row.cells["psnr"].mark) == (None, None, None)
    markdown = to_markdown(ranked[0])
    assert "| SadTalker † | 20.50† | - | - |  |" in markdown
    assert f"† SadTalker: published, on clips of others' choosing, not measured here; from {PAPER.source}." in markdown


def test_published_numbers_of_another_dataset_are_left_out(tmp_path):
    elsewhere = PAPER.model_copy(update={"datasets": {"other": {"psnr": 1}}})
    table, _ = tables_of(tmp_path, eight_clips(ours=20), {"ours": "O"}, quoted={"sadtalker": elsewhere})
    assert [row.method for row in table.rows] == ["ours"]


def test_a_published_number_of_an_unknown_metric_is_refused(tmp_path):
    wrong = PAPER.model_copy(update={"datasets": {"toy_set": {"fvd": 1}}})
    with pytest.raises(InputError, match=r"quoted.sadtalker.datasets.toy_set.fvd is none of the metrics \['psnr'"):
        tables_of(tmp_path, eight_clips(ours=20), {"ours": "O"}, quoted={"sadtalker": wrong})


def test_a_frechet_distance_is_the_mean_over_subsets_of_so_many_frames(tmp_path):
    write_features(tmp_path / "ours.features.npz", "fid", 8, 0.5)
    found = cell(tables_of(tmp_path, eight_clips(ours=20), {"ours": "O"})[0], "ours", "fid")
    assert found.value == pytest.approx(0.5, abs=1e-5)  # both entries moved by 0.5: 2 × 0.25
    assert found.sd_subsets == pytest.approx(0, abs=1e-5)
    assert (found.n, found.seed_n, found.against_baseline, found.mark) == (6, (6,), None, None)
    assert in_words(Column.of(METRIC["fid"]), found) == "0.50 ± 0.00 n=6 (8 lost)"


def test_a_frechet_distance_over_seeds_is_the_mean_of_theirs(tmp_path):
    for run, shift in (("ours", 0.5), ("ours-1", 1.0)):
        write_features(tmp_path / f"{run}.features.npz", "fid", 8, shift)
    rows = eight_clips(**{"ours": 20, "ours-1": 20})
    found = cell(tables_of(tmp_path, rows, {"ours": "O"})[0], "ours", "fid")
    assert (found.value, found.sd_seeds) == (pytest.approx(1.25, abs=1e-5), pytest.approx(1.5 / 2**0.5, abs=1e-5))


def test_a_frechet_distance_without_frames_enough_or_without_features_says_so(tmp_path):
    write_features(tmp_path / "ours.features.npz", "fid", 5, 0.5)
    write_features(tmp_path / "static.features.npz", "other", 8, 0.5)
    rows = eight_clips(ours=20, static=20, plain=20)
    table, _ = tables_of(tmp_path, rows, {"ours": "O", "static": "S", "plain": "P"})
    whys = [cell(table, method, "fid").why_no_value for method in ("ours", "static", "plain")]
    none = f"no features were kept: {NOT_ASKED}"
    assert whys == [f"5 frames have features, tables.frechet_n is 6: {NOT_ASKED}", none, none]


def test_a_row_leads_to_its_runs_and_their_files(tmp_path):
    rows = eight_clips(**{"ours": 20, "ours-1": 20})
    row = tables_of(tmp_path, rows, {"ours": "O"})[0].rows[0]
    assert row.runs == ("ours", "ours-1")
    assert row.scores == {run: str(tmp_path / f"{run}.parquet") for run in row.runs}
    assert row.run_json == {run: str(tmp_path / f"{run}.run.json") for run in row.runs}


def test_dropped_clips_are_those_without_a_video(tmp_path):
    rows = rows_of("ours", EIGHT[:4], psnr=[1, 2, 3, None])
    rows[3] = rows[3].model_copy(update={"video": None})
    row = tables_of(tmp_path, rows, {"ours": "O"})[0].rows[0]
    assert (row.clips, row.dropped) == (4, 1)


def test_a_method_without_rows_keeps_its_line(tmp_path):
    table, _ = tables_of(tmp_path, eight_clips(ours=20), {"ours": "O", "later": "Later"})
    assert cell(table, "later").why_no_value == cell(table, "later").against_baseline.why == "no clip was scored"
    assert cell(table, "later", "fid").why_no_value == "no clip was scored"
    assert "| Later | - | - | - | 0 of 0 |" in to_markdown(table)


def test_markdown_shows_identity_interval_count_and_marks(ranked):
    lines = to_markdown(ranked[0]).splitlines()
    assert "PSNR (dB) ↑<br>`psnr.rgb8/1`" in lines[2]
    assert lines[5].startswith("| Still \\<frame> & \\_sound\\_ | 20.88 [20.")
    assert lines[6].startswith("| Ours | **21.07** [20.")
    assert " n=8 | 0.500 n=8 | 23.5 [" in lines[6]
    table = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {len(ranked[0].shown) + 3}


def test_metrics_without_a_number_are_named_below_with_the_reason_and_kept_in_csv(ranked):
    assert [column.name for column in ranked[0].shown] == ["psnr", "ssim", "frames"]
    assert f"- **LPIPS**: not measured: no clip has a number: {NOT_ASKED}" in to_markdown(ranked[0])
    assert f"LPIPS: not measured: no clip has a number: {NOT_ASKED}" in to_latex(ranked[0])
    lines = list(csv.DictReader(to_csv(ranked[0]).splitlines()))
    assert [(line["method"], line["metric"]) for line in lines[: len(METRICS)]] == [("ground_truth", m) for m in METRIC]
    assert len(lines) == 4 * len(METRICS)


def test_a_line_of_the_csv_has_all_of_a_cell(ranked):
    lines = csv.DictReader(to_csv(ranked[0]).splitlines())
    line = next(line for line in lines if (line["method"], line["metric"]) == ("static", "psnr"))
    low, high = float(line.pop("low")), float(line.pop("high"))
    assert low < 20.875 < high
    assert {name: text for name, text in line.items() if text and not name.startswith("difference")} == {
        **{"table": "toy_set", "dataset": "toy_set", "method": "static", "label": LABELS["static"], "kind": "measured"},
        **{"metric": "psnr", "identity": "psnr.rgb8/1", "unit": "dB", "better": "higher", "value": "20.875", "n": "8"},
        **{"speakers": "8", "dropped": "0", "runs": "static", "seed_values": "20.875", "seed_n": "8", "pairs": "8"},
        **{"p": "0.0078125", "p_holm": "0.015625", "row_clips": "8", "row_dropped": "0"},
    }


def test_latex_reads_special_characters_as_text():
    assert escape_latex(r"50%_x & {~^\#$}") == r"50\%\_x \& \{\textasciitilde{}\textasciicircum{}\textbackslash{}\#\$\}"
    assert escape_latex("é→≤²½°") == r"\'{e}$\to$$\le$$^2$$\frac{1}{2}$$^\circ$"
    assert escape_latex("方") == "U+65B9"


def test_the_json_of_a_table_is_the_table(ranked, tmp_path):
    write_table(tmp_path / "t.json", ranked[0])
    assert read_table(tmp_path / "t.json") == ranked[0]


def test_a_file_that_holds_no_table_is_refused(ranked, tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_table(tmp_path / "none.json")
    (tmp_path / "t.json").write_text('{"format": 2}', encoding="utf-8")
    with pytest.raises(InputError, match="holds no table of this version"):
        read_table(tmp_path / "t.json")
    less = json.loads(ranked[0].model_dump_json())
    del less["rows"][1]["cells"]["psnr"]
    (tmp_path / "t.json").write_text(json.dumps(less), encoding="utf-8")
    with pytest.raises(InputError, match="the cells of static are not the metrics of the table"):
        read_table(tmp_path / "t.json")


def command(folder, scores: list[str], *changes: str) -> list[str]:
    """Return a command line that writes both tables to a folder; later arguments win."""
    settings = json.dumps({"tables": ASK.model_dump(), "quoted": {}})
    outputs = {name: [str(folder / f"{name}.{form}") for form in ("json", "md", "csv", "tex")] for name in ("c", "a")}
    given = ["--scores", *scores, "--labels", json.dumps(LABELS), "--ablations", "plain", "--dataset", "toy_set"]
    written = ["--comparison", *outputs["c"], "--ablation-table", *outputs["a"]]
    return ["tables", "--settings", settings, *given, *written, *changes]


def test_the_command_writes_both_tables_in_four_forms_from_one_model(tmp_path):
    scores = write_runs_of_scores(tmp_path, eight_clips(ground_truth=40, static=20, plain=20.1, ours=20.2))
    assert main(command(tmp_path, scores)) == 0
    for name, rows in (("c", 3), ("a", 3)):
        table = read_table(tmp_path / f"{name}.json")
        assert len(table.rows) == rows
        for form, make in (("md", to_markdown), ("csv", to_csv), ("tex", to_latex)):
            assert (tmp_path / f"{name}.{form}").read_text(encoding="utf-8") == make(table)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (["--dataset", "other"], "has scores of toy_set by 'ours', not of other by 'ours'"),
        (["--labels", '{"plain": "P"}'], "the method 'ours' has no label: the labels are ['plain']"),
        (["--labels", '{"ours": "O"}'], "the method 'plain' has no label"),
        (["--comparison", "table.docx"], "table.docx: a table is written as .json, .md, .csv, .tex"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(tmp_path, capsys, changes, complaint):
    scores = write_runs_of_scores(tmp_path, eight_clips(ours=20))
    assert main(command(tmp_path, scores, *changes)) == 2
    assert complaint in capsys.readouterr().err


def test_a_run_is_given_once_under_its_own_name(tmp_path, capsys):
    (path,) = write_runs_of_scores(tmp_path, eight_clips(ours=20))
    assert main(command(tmp_path, [path, path])) == 2
    assert "two files of scores of 'ours'" in capsys.readouterr().err
    write_scores(tmp_path / "theirs.parquet", eight_clips(ours=20))
    assert main(command(tmp_path, [str(tmp_path / "theirs.parquet")])) == 2
    assert "has scores of toy_set by 'ours', not of toy_set by 'theirs': give that" in capsys.readouterr().err


def test_a_method_without_a_label_is_refused():
    with pytest.raises(InputError, match="method 'ours', which has no label"):
        by_method(eight_clips(ours=20), {"plain": "P"})


def test_the_same_clip_twice_is_refused():
    with pytest.raises(InputError, match="give every file once"):
        by_method(eight_clips(ours=20) * 2, {"ours": "O"})


@pytest.mark.parametrize(
    ("text", "complaint"), [("{", "is not JSON"), ("[1]", "JSON object"), ('{"a": 1}', "JSON object")]
)
def test_labels_that_are_no_object_of_texts_are_refused(text, complaint):
    with pytest.raises(InputError, match=complaint):
        parse_labels(text)


def test_a_file_that_is_none_of_scores_is_refused(tmp_path):
    (tmp_path / "ours.parquet").write_text("no parquet", encoding="utf-8")
    with pytest.raises(InputError, match="has no rows of scores of this version"):
        read_scores(tmp_path / "ours.parquet")


def test_a_measurement_is_a_number_or_a_reason():
    def fail() -> float:
        raise MeasurementError("no face")

    measured = Measurements()
    measured.take("good", lambda: 0.5)
    measured.take("failed", fail)
    measured.take("infinite", lambda: math.inf)
    assert measured.metrics == {"good": 0.5, "failed": None, "infinite": None}
    assert measured.reasons == {"failed": "no face", "infinite": "the value is inf"}


def test_tables_load_neither_torch_nor_mlflow():
    code = "import sys, tavce.evaluate.tables; sys.exit(bool({'torch', 'mlflow'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

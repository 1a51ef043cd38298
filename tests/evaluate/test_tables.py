import csv
import json
import math
import subprocess
import sys

import pytest
from toy_report import LABELS, SPEAKERS, score_row

from tavce.cli import main
from tavce.evaluate.tables import escape_latex, make_table, to_latex, to_markdown
from tavce.measure.metrics import METRICS, MeasurementError, Measurements
from tavce.measure.rows import ScoreRow, by_method, mean_of, parse_labels, read_scores
from tavce.records import InputError, write_lines

METRIC = {metric.name: metric for metric in METRICS}


def rows_of(*methods: str) -> list[ScoreRow]:
    return [score_row(method, clip_id, place) for method in methods for place, clip_id in enumerate(SPEAKERS)]


@pytest.fixture
def written(tmp_path):
    """The command itself, on four methods."""
    write_lines(tmp_path / "a.jsonl", rows_of("tavce", "plain"))
    write_lines(tmp_path / "b.jsonl", rows_of("ground_truth", "static"))
    outputs = {kind: tmp_path / f"toy.{kind}" for kind in ("markdown", "csv", "latex")}
    flags = [text for kind, path in outputs.items() for text in (f"--{kind}", str(path))]
    scores = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert main(["tables", "--scores", *scores, "--labels", json.dumps(LABELS), "--dataset", "toy_set", *flags]) == 0
    return {kind: path.read_text(encoding="utf-8") for kind, path in outputs.items()}


def test_the_csv_has_a_line_for_every_method_and_metric(written):
    cells = list(csv.DictReader(written["csv"].splitlines()))
    assert [(cell["method"], cell["metric"]) for cell in cells] == [(m, n) for m in LABELS for n in METRIC]
    plain = next(cell for cell in cells if (cell["method"], cell["metric"]) == ("plain", "psnr"))
    assert plain == {
        "dataset": "toy_set",
        "method": "plain",
        "label": "Without both",
        "metric": "psnr",
        "mean": "31.3333",
        "sd_seeds": "",
        "seeds": "1",
        "n": "3",
        "runs": "plain",
        "seed_means": "31.3333",
        "seed_n": "3",
        "dropped": "1",
        "unit": "dB",
        "better": "higher",
    }


def test_a_metric_that_no_clip_has_is_an_empty_mean_with_n_0(written):
    cells = csv.DictReader(written["csv"].splitlines())
    still = next(cell for cell in cells if (cell["method"], cell["metric"]) == ("static", "av_corr"))
    assert (still["mean"], still["n"]) == ("", "0")


def test_markdown_shows_mean_count_dropped_arrow_and_a_footnote_for_gaps(written):
    lines = written["markdown"].splitlines()
    assert "PSNR (dB) ↑" in lines[2]
    assert "LMD (inter-ocular) ↓" in lines[2]
    assert lines[7].startswith("| Without both | 31.33 (n=3) |")
    assert lines[7].endswith("| 1 of 4 |")
    assert lines[5].split("|")[5].strip() == "-"
    assert lines[-1].startswith("-: no clip has a number")


def test_every_line_of_the_markdown_table_has_the_same_cells(written):
    table = [line.replace("\\|", "") for line in written["markdown"].splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {len(METRICS) + 3}


def test_latex_has_booktabs_rules_and_escaped_labels(written):
    for command in (r"\toprule", r"\midrule", r"\bottomrule", r"PSNR (dB) $\uparrow$", r"Still <frame> \& sound & "):
        assert command in written["latex"]
    body = written["latex"].split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == len(LABELS)
    assert {line.replace(r"\&", "").count("&") for line in body} == {len(METRICS) + 1}


def test_latex_reads_special_characters_as_text():
    assert escape_latex(r"50%_x & {~^\#$}") == (
        r"50\%\_x \& \{\textasciitilde{}\textasciicircum{}\textbackslash{}\#\$\}"
    )


def test_a_method_without_rows_keeps_its_line():
    table = make_table("toy_set", rows_of("tavce"), {"tavce": "T", "later": "Later"})
    assert "| Later | - | - | - | - | - | - | - | 0 of 0 |" in to_markdown(table)


def test_without_gaps_there_is_no_footnote():
    table = make_table("toy_set", rows_of("tavce"), {"tavce": "T"})
    assert "no clip has a number" not in to_markdown(table) + to_latex(table)


def test_offsets_of_both_signs_do_not_cancel():
    rows = rows_of("tavce")
    assert [row.metrics["av_offset"] for row in rows] == [1, -1, 1, -1]
    assert mean_of(METRIC["av_offset"], rows).value == 1


def test_a_mean_is_over_the_clips_that_have_a_number():
    mean = mean_of(METRIC["psnr"], rows_of("plain"))
    assert (mean.value, mean.n) == (pytest.approx((30 + 31 + 33) / 3), 3)


def test_scores_of_another_dataset_are_refused(tmp_path, capsys):
    write_lines(tmp_path / "a.jsonl", rows_of("tavce"))
    outputs = ["--markdown", "m", "--csv", "c", "--latex", "l"]
    given = ["--scores", str(tmp_path / "a.jsonl"), "--labels", '{"tavce": "T"}', "--dataset", "other"]
    assert main(["tables", *given, *outputs]) == 2
    assert "the table of other was given scores of ['toy_set']" in capsys.readouterr().err


def test_a_method_without_a_label_is_refused():
    with pytest.raises(InputError, match="method 'tavce', which has no label"):
        by_method(rows_of("tavce"), {"plain": "P"})


def test_the_same_clip_twice_is_refused():
    with pytest.raises(InputError, match="give every file once"):
        by_method(rows_of("tavce", "tavce"), {"tavce": "T"})


@pytest.mark.parametrize(
    ("text", "complaint"), [("{", "is not JSON"), ("[1]", "JSON object"), ('{"a": 1}', "JSON object")]
)
def test_labels_that_are_no_object_of_texts_are_refused(text, complaint):
    with pytest.raises(InputError, match=complaint):
        parse_labels(text)


def test_a_line_that_is_no_row_of_scores_is_named(tmp_path):
    write_lines(tmp_path / "a.jsonl", rows_of("tavce"))
    with open(tmp_path / "a.jsonl", "a") as file:
        file.write('{"clip_id": "x"}\n')
    with pytest.raises(InputError, match="line 5 is not a row of scores"):
        read_scores(tmp_path / "a.jsonl")


def test_a_measurement_is_a_number_or_a_reason():
    def fail() -> float:
        raise MeasurementError("no face")

    measured = Measurements()
    measured.take("good", lambda: 0.5)
    measured.take("failed", fail)
    measured.take("infinite", lambda: math.inf)
    assert measured.metrics == {"good": 0.5, "failed": None, "infinite": None}
    assert measured.reasons == {"failed": "no face", "infinite": "the value is inf"}


def test_tables_and_report_load_neither_torch_nor_mlflow():
    code = (
        "import sys, tavce.evaluate.tables, tavce.report.report; sys.exit(bool({'torch', 'mlflow'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

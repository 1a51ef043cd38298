"""Facts about what the report says of a metric's listening."""

import re
from pathlib import Path

import cv2
import pytest
from toy_report import write_listened, write_report_inputs

from tavce.files import read_json, write_json
from tavce.records import InputError
from tavce.report import heard, report


@pytest.fixture(scope="module")
def listened(tmp_path_factory) -> list[heard.Listened]:
    return heard.read_listened(write_listened(tmp_path_factory.mktemp("listened")))


def page_of(arguments) -> str:
    report.run(arguments)
    return re.sub(r"\s+", " ", (Path(arguments.out) / "index.html").read_text())


@pytest.mark.parametrize(("gate", "warned"), [("warn", True), ("stop", True), ("off", False)])
def test_a_deaf_metric_is_said_on_top_of_the_page_unless_its_gate_is_off(tmp_path, gate, warned):
    arguments = write_report_inputs(tmp_path, {"tavce": "T"})
    write_listened(tmp_path, gate)
    top, _ = page_of(arguments).split("</header>", 1)
    assert ("the metric &#39;paper&#39; does not listen" in top) is warned
    assert "recommended&#39; does" not in top


def test_the_page_has_the_figure_of_every_metric_and_its_curve_in_words(tmp_path):
    arguments = write_report_inputs(tmp_path, {"tavce": "T"})
    page = page_of(arguments)
    for recipe in ("paper", "recommended"):
        assert cv2.imread(str(Path(arguments.out) / f"listening/{recipe}.png")).shape == (30, 90, 3)
    assert 'alt="recommended: AUC by delay of the sound in frames: 1: 0.72, 2: 0.51"' in page


def test_without_a_metric_the_page_says_nothing_of_listening(tmp_path):
    arguments = write_report_inputs(tmp_path, {"tavce": "T"})
    arguments.listened = []
    page = page_of(arguments)
    assert "#listening" not in page
    assert 'id="listening"' not in page


def test_measures_stand_in_lines_with_intervals_and_a_gap_where_there_is_none(listened):
    grid = heard.measures(listened)
    assert grid.headings == ["Measure", "paper", "recommended", "What it is"]
    lines = {line[0]: line[1:3] for line in grid.lines}
    words = [" ".join(cell.split()) for cell in lines["auc_audio"]]
    assert words == ["0.500 (0.48 to 0.52)", "0.720 (0.70 to 0.74)"]
    assert lines["auc_time"] == ["0.660", "0.660"]
    assert lines["auc_time_shuffled"] == ["-", "-"]
    assert lines["offset_exact"] == ["3", "3"]


def test_cues_and_other_spacings_have_tables_of_their_own(listened):
    assert {line[0]: line[1] for line in heard.cues(listened).lines}["pixels"] == "-0.480"
    assert heard.grid(listened[1]).lines == [["1", "3", "0.720", "0.720", "-", "0.720"]]


def test_it_says_who_was_asked(listened):
    assert heard.asked(listened[0]) == "12 clips of 2 speakers of the test split; 1 were too short"
    assert heard.asked(listened[1]) == "12 clips of 2 speakers of the test split"


def test_a_run_of_another_stage_is_named(tmp_path):
    write_json(tmp_path / "run.json", {"name": "a", "metrics": {}})
    with pytest.raises(InputError, match="needs name, metrics and listening"):
        heard.read_listened([tmp_path / "run.json"])


def test_a_missing_figure_is_named(tmp_path):
    arguments = write_report_inputs(tmp_path, {"tavce": "T"})
    Path(arguments.listened[0]).with_name("listening.png").unlink()
    with pytest.raises(InputError, match=r"listening\.png is not there: rerun listen for paper"):
        report.run(arguments)
    assert read_json(arguments.listened[0])["name"] == "paper"

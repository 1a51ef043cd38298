"""Facts about the gate that keeps a generator from learning by a metric that does not listen."""

import logging

import pytest

from tavce.cli import main
from tavce.files import read_json, write_json


def listened(folder, deaf: bool, gate: str) -> str:
    """Write a run.json of listen, and return its path."""
    verdict = {"deaf": deaf, "gate": gate, "words": "the metric 'mine' hears what it hears", "min_auc": 0.55}
    write_json(folder / "run.json", {"name": "mine", "metrics": {}, "listening": {"verdict": verdict}})
    return str(folder / "run.json")


@pytest.mark.parametrize(("deaf", "gate"), [(False, "stop"), (False, "warn"), (True, "warn"), (True, "off")])
def test_the_generator_may_learn_and_the_verdict_is_kept(tmp_path, deaf, gate):
    arguments = ["--listened", listened(tmp_path, deaf, gate), "--out", str(tmp_path / "gate.json")]
    assert main(["listening_gate", *arguments]) == 0
    assert read_json(tmp_path / "gate.json")["deaf"] == deaf


def test_a_deaf_metric_stops_the_run_where_its_gate_says_so(tmp_path, capsys):
    arguments = ["--listened", listened(tmp_path, True, "stop"), "--out", str(tmp_path / "gate.json")]
    assert main(["listening_gate", *arguments]) == 2
    said = capsys.readouterr().err
    assert "the metric 'mine' hears what it hears. Nothing is trained on it" in said
    assert "listening.gates.mine: warn" in said
    assert not (tmp_path / "gate.json").exists()


@pytest.mark.parametrize(("gate", "warned"), [("warn", True), ("off", False)])
def test_a_deaf_metric_is_warned_of_unless_its_gate_is_off(tmp_path, caplog, gate, warned):
    arguments = ["--listened", listened(tmp_path, True, gate), "--out", str(tmp_path / "gate.json")]
    with caplog.at_level(logging.WARNING):
        assert main(["listening_gate", *arguments]) == 0
    assert ("learns from it all the same" in caplog.text) is warned

"""Facts about the command line: what it lists, what it refuses, and what it imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from tavce.cli import main
from tavce.files import write_json
from tavce.stages import STAGES


def test_help_lists_every_stage_with_a_line_on_what_it_does(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert text.startswith("usage: tavce [-h] STAGE")
    for name, stage in STAGES.items():
        assert f"  {name:<13} {stage.help}\n" in text


def test_a_stages_help_lists_its_arguments(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["crop", "--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert text.startswith("usage: tavce crop ")
    assert "--faces FACES" in text
    assert "the shard's boxes and landmarks, .h5" in text


@pytest.mark.parametrize("arguments", [[], ["cropp"], ["crop"], ["crop", "--sie", "3"]])
def test_a_command_line_that_cannot_be_read_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: tavce" in capsys.readouterr().err


def test_a_wrong_setting_is_one_sentence_and_ends_with_2(tmp_path, capsys):
    assert main(["sheet", "--settings", '{"trim": {"rate": 25}}', "--results", str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "tavce sheet: settings cannot be used:"


def test_an_input_that_is_not_there_is_named_with_the_remedy(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["gate", "--funnel", "nowhere.json", "--out", "gate.json"])
    assert caught.value.code == 2
    words = "argument --funnel: nowhere.json is not there: correct the path, or run the stage that writes it"
    assert words in capsys.readouterr().err


def test_a_bug_is_not_swallowed(tmp_path):
    write_json(tmp_path / "funnel.json", {"mine": "no counts"})
    with pytest.raises(TypeError):
        main(["gate", "--funnel", str(tmp_path / "funnel.json"), "--train", "mine", "--out", str(tmp_path / "gate")])


@pytest.mark.parametrize(
    ("settings", "asked"),
    [(None, 100), ("mine.yaml", 3), ('{"gate":{"train":2,"val":1,"test":1}}', 2)],
    ids=["the paper's", "a file laid over the paper's", "JSON"],
)
def test_a_stage_by_hand_takes_its_settings_from_the_paper_a_file_or_json(
    tmp_path, monkeypatch, capsys, settings, asked
):
    monkeypatch.chdir(tmp_path)
    write_json("funnel.json", {"mine": {"sheet": {}, "index": {}}})
    Path("mine.yaml").write_text("gate: {train: 3}", encoding="utf-8")
    options = ["--settings", settings] if settings else []
    assert main(["gate", "--funnel", "funnel.json", "--train", "mine", "--out", "gate.json", *options]) == 2
    assert f"gate.train asks for {asked}." in capsys.readouterr().err


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "tavce", "gate", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: tavce gate ")


def test_the_command_line_leaves_torch_alone():
    program = (
        "import sys, tavce.cli; sys.exit(bool({'torch', 'cv2', 'av', 'mlflow', 'h5py', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0

"""Facts about a training rule that is stopped in the middle: the next invocation goes on and ends as if undisturbed."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import torch
from project import Project
from tiny_corpus import CHANGES, TRAINING
from tiny_runs import Workplace

pytestmark = pytest.mark.slow
MODEL = "results/renderer/ours/best.pt"
LONGER = {**TRAINING, "epochs": 2, "repeats": 40}
RENDERERS = {"ours": {**CHANGES["renderers"]["ours"], "training": LONGER}}
RULE = ("--cores", "1", "--allowed-rules", "train_renderer", "--rerun-triggers", "mtime", "--no-hooks", MODEL)


def place(folder: Path, trained: Workplace) -> Project:
    """Return a project in which all that the rule `train_renderer` needs is there, and nothing else."""
    (folder / "videos").mkdir(parents=True)
    (folder / "videos/a.mp4").touch()
    project = Project(folder)
    project.configure(**json.loads(json.dumps({**CHANGES, "renderers": RENDERERS})))  # YAML without anchors
    made = {
        trained.tiny.index: "results/mine/index.parquet",
        trained.best("metric"): "results/metric/paper/best.pt",
        str(trained.folder / "mlflow.db"): "results/mlflow.db",
    }
    for source, target in made.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / target)
    for verdict in ("results/gate/gate.json", "results/listen/paper/gate.json"):
        (folder / verdict).parent.mkdir(parents=True, exist_ok=True)
        (folder / verdict).write_text("{}", encoding="utf-8")
    return project


def training(process: subprocess.Popen, folder: Path) -> psutil.Process:
    """Wait until the rule's command has written a checkpoint; return it."""
    until = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < until:
        if (folder / MODEL).with_name("last.ckpt").is_file():
            for child in psutil.Process(process.pid).children(recursive=True):
                words = child.cmdline()
                if words[1:4] == ["-m", "tavce", "renderer"]:
                    return child
        time.sleep(0.05)
    raise AssertionError(f"no checkpoint, the run ended with {process.poll()}")


def weights(project: Project) -> dict[str, dict[str, torch.Tensor]]:
    return torch.load(project.folder / MODEL, weights_only=True)["networks"]


def test_a_rule_whose_training_is_terminated_goes_on_in_the_next_run_and_ends_as_if_undisturbed(tmp_path, trained):
    quiet, killed = (place(tmp_path / name, trained) for name in ("quiet", "killed"))
    quiet.snakemake(*RULE)
    with open(killed.folder / "said.txt", "wb") as said:
        process = subprocess.Popen(
            killed.command(*RULE), cwd=killed.folder, env=killed.environment, stdout=said, stderr=said
        )
        training(process, killed.folder).send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) != 0
    log = killed.folder / "logs/renderer/ours.log"
    assert "the same command goes on from here" in log.read_text(encoding="utf-8")
    assert not (killed.folder / MODEL).exists()
    killed.snakemake(*RULE)
    assert "resumed at step" in log.read_text(encoding="utf-8")
    torch.testing.assert_close(weights(killed), weights(quiet), atol=0, rtol=0)

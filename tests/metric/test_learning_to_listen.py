"""Facts about a metric that learns to listen, from training to the offsets it tells: the real commands."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import visible_sound
from tiny_corpus import tiny_settings

from tavce.cli import main
from tavce.files import read_json

pytestmark = pytest.mark.slow
NETWORKS = {"audio_channels": [8, 8, 16, 16, 32], "visual_channels": [8, 16, 16, 32], "features": 32}
TRAINING = {"batch": 16, "epochs": 3, "repeats": 160, "rate": 2e-3, "decay_every": 3, "log_every": 50}
RECIPE = {
    "networks": NETWORKS,
    "mouth_px": visible_sound.SIDE,
    "negatives": "both",
    "spacing": 3,
    "distance": 5,
    "training": {**TRAINING, "checkpoint_every": 1000, "validate_batches": 4},
}
SETTINGS = tiny_settings(metrics={"paper": RECIPE}, listening={"gates": {"paper": "stop"}})


@dataclass(frozen=True)
class Learnt:
    """A trained metric, what it was found to hear, and where its corpus lies."""

    folder: Path
    index: str

    @property
    def best(self) -> str:
        return str(self.folder / "metric/best.pt")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, mlflow_template) -> Learnt:
    folder = tmp_path_factory.mktemp("learnt")
    shutil.copyfile(mlflow_template, folder / "mlflow.db")
    index = visible_sound.write(folder / "data")
    found = Learnt(folder, index)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        arguments = ["--name", "paper", "--indexes", index]
        sections = SETTINGS.sections("metric", "paper")
        assert main(["metric", *arguments, "--settings", sections, "--folder", str(folder / "metric")]) == 0
        asked = ["--settings", SETTINGS.sections("listen"), "--metric", found.best, "--folder", str(folder / "listen")]
        assert main(["listen", *arguments, *asked]) == 0
    return found


def test_it_listens_to_speakers_it_has_not_seen(learnt):
    run = read_json(learnt.folder / "listen/run.json")
    assert run["metrics"]["auc_audio"] > 0.8
    assert run["metrics"]["auc_time_shuffled"] < 0.6
    assert run["metrics"]["offset_exact"] == run["metrics"]["offset_clips"] == 3


def test_the_gate_lets_it_pass(learnt, tmp_path):
    run = str(learnt.folder / "listen/run.json")
    assert main(["listening_gate", "--listened", run, "--out", str(tmp_path / "gate.json")]) == 0


def test_clips_whose_sound_was_shifted_are_told_to_the_frame(learnt, tmp_path):
    shifts = {"test0": 7, "test1": -11, "test2": 2, "val0": -4, "val1": 0}
    index = visible_sound.write(tmp_path / "shifted", shifts)
    arguments = ["--settings", SETTINGS.sections("sync"), "--metric", learnt.best, "--indexes", index]
    assert main(["sync", *arguments, "--out", str(tmp_path / "offsets.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "offsets.jsonl").read_text().splitlines()]
    told = {line["clip_id"]: line["offset_frames"] for line in lines}
    assert {clip: told[clip] for clip in shifts} == shifts
    assert min(line["confidence"] for line in lines) > 0.1

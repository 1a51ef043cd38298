"""Facts about the commands that ask a trained metric: `listen` and `sync`."""

import json
import logging
import shutil
import sqlite3
from dataclasses import replace

import cv2
import numpy as np
import pyarrow
import pyarrow.parquet as pq
import pytest
from tiny_corpus import tiny_settings
from tiny_runs import Workplace

from tavce.cli import main
from tavce.dataset import read_index
from tavce.files import read_json
from tavce.metric import listen
from tavce.metric.listen import spread
from tavce.records import InputError

pytestmark = pytest.mark.slow
SETTINGS = tiny_settings()


def asked(trained: Workplace, folder, *indexes: str, **changes: object) -> list[str]:
    """Return the arguments of `listen`, on the tiny corpus where no index is named."""
    settings = tiny_settings(listening=changes).sections("listen")
    return [
        *("listen", "--name", "paper", "--settings", settings, "--metric", trained.best("metric")),
        *("--indexes", *(indexes or (trained.tiny.index,)), "--folder", str(folder)),
    ]


@pytest.fixture(scope="module", autouse=True)
def told(tmp_path_factory, mlflow_template):
    """Give this module a folder and an MLflow database of its own."""
    folder = tmp_path_factory.mktemp("told")
    shutil.copyfile(mlflow_template, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        yield folder


@pytest.fixture(scope="module")
def heard(trained, told):
    """Return what `listen` wrote, and where."""
    assert main(asked(trained, told / "listen")) == 0
    return read_json(told / "listen/run.json"), told / "listen"


def test_the_run_says_what_the_metric_hears_on_held_out_speakers(heard):
    run, _ = heard
    said = run["listening"]
    assert (said["split"], said["clips"], said["speakers"], said["too_short"]) == ("test", 2, 2, {})
    assert run["metrics"]["offset_clips"] == 2
    for name in ("auc_time", "auc_time_shuffled", "auc_time_pixels", "auc_audio", "auc_matched", "health"):
        assert 0 <= run["metrics"][name] <= 1, name
    low, high = said["intervals"]["auc_audio"]
    assert low <= run["metrics"]["auc_audio"] <= high
    assert [*said["auc_by_delay"]] == [str(delay) for delay in range(1, 16)]
    assert len(said["grid"]) == 8
    assert "pixels" in said["cues"]


def test_the_figure_is_a_picture(heard):
    assert cv2.imread(str(heard[1] / "listening.png")).std() > 10


def test_mlflow_has_the_numbers_the_figure_and_the_verdict(heard, told):
    run, _ = heard
    with sqlite3.connect(told / "mlflow.db") as store:
        query = "select key, value from {} where run_uuid = ?"
        numbers = dict(store.execute(query.format("latest_metrics"), [run["mlflow_run_id"]]))
        tags = dict(store.execute(query.format("tags"), [run["mlflow_run_id"]]))
        (artifacts,) = store.execute("select artifact_uri from runs where run_uuid = ?", [run["mlflow_run_id"]])
    assert numbers["final_auc_audio"] == pytest.approx(run["metrics"]["auc_audio"])
    assert tags["mlflow.note.content"] == run["listening"]["verdict"]["words"]
    assert artifacts[0]


@pytest.mark.parametrize(("min_auc", "deaf"), [(0.999, True), (0.5, False)])
def test_the_verdict_is_by_the_auc_against_other_moments_sound(heard, min_auc, deaf):
    numbers = {**heard[0]["metrics"], "auc_audio": 0.7}
    settings = SETTINGS.listening.model_copy(update={"min_auc": min_auc})
    verdict = listen.judge("paper", _Numbers(numbers), settings)
    assert verdict["deaf"] is deaf
    assert verdict["gate"] == "warn"
    assert ("does not listen" in verdict["words"]) is deaf
    assert "0.70" in verdict["words"]


class _Numbers:
    def __init__(self, numbers: dict[str, float]):
        self.numbers = numbers


@pytest.mark.parametrize(("gate", "warned"), [("warn", True), ("stop", True), ("off", False)])
def test_a_deaf_metric_is_warned_of_unless_its_gate_is_off(trained, tmp_path, caplog, gate, warned):
    with caplog.at_level(logging.WARNING):
        assert main(asked(trained, tmp_path / "out", min_auc=0.99, gates={"paper": gate})) == 0
    assert ("does not listen" in caplog.text) is warned
    assert read_json(tmp_path / "out/run.json")["metrics"]["deaf"] == 1


def without(index: str, path, split: str) -> str:
    """Write an index without the clips of a split."""
    table = pq.read_table(index)
    pq.write_table(table.filter(np.array(table["split"]) != split), path)
    return str(path)


def test_without_test_clips_the_validation_clips_are_asked(trained, tmp_path):
    index = without(trained.tiny.index, tmp_path / "index.parquet", "test")
    clips, _, found = listen.hear(trained.best("metric"), [index], SETTINGS.window, SETTINGS.listening)
    assert (len(clips), found["split"]) == (1, "val")


def test_clips_that_are_too_short_are_named_and_where_all_are_it_says_what_to_do(trained, tiny, monkeypatch):
    entries = read_index([tiny.index], "test")
    shorter = [replace(entries[0], frames=30), entries[1]]
    monkeypatch.setattr(listen, "held_out", lambda indexes: ("test", shorter))
    _, _, found = listen.hear(trained.best("metric"), [tiny.index], SETTINGS.window, SETTINGS.listening)
    assert found["too_short"] == {entries[0].clip_id: 30}
    shorter.pop()
    with pytest.raises(InputError, match=r"no clip of the test split has 36 frames.*the longest has 30: raise"):
        listen.hear(trained.best("metric"), [tiny.index], SETTINGS.window, SETTINGS.listening)


def test_where_there_are_too_many_clips_every_so_many_of_them_is_asked():
    assert spread([*range(10)], 4) == [0, 2, 5, 7]
    assert spread([*range(3)], 4) == [0, 1, 2]


def test_sync_writes_an_offset_or_a_reason_for_every_clip(trained, tiny, tmp_path):
    table = pq.read_table(tiny.index).to_pylist()
    table[0]["frames"] = 20
    index = tmp_path / "index.parquet"
    pq.write_table(pyarrow.Table.from_pylist(table), index)
    out = tmp_path / "offsets.jsonl"
    arguments = ["--settings", SETTINGS.sections("sync"), "--metric", trained.best("metric"), "--indexes", str(index)]
    assert main(["sync", *arguments, "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["clip_id"] for line in lines] == [row["clip_id"] for row in table]
    assert lines[0]["reason"] == "too_short: 20 frames, 27 are needed"
    for line in lines[1:]:
        assert line["reason"] is None
        assert abs(line["offset_frames"]) <= 15
        assert line["offset_s"] == pytest.approx(line["offset_frames"] / 25)
        assert line["confidence"] >= 0

"""Facts about the real commands of the learning stages: killed, stopped and started again, they lose nothing."""

import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from forked import Forked
from tiny_runs import LEARNING, Workplace, workplace

from tavce.files import read_json
from tavce.training.mlflow_store import connect

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Survivor:
    """A stage that was killed after its first checkpoint, stopped after a later one, and then left alone."""

    stage: str
    place: Workplace
    statuses: tuple[int, int, int]
    mlflow_run: str  # where the killed and restarted run had written to before it was stopped


def wait_for_checkpoint(path: Path, process: Forked) -> None:
    """Return as soon as a checkpoint appears, or is another one than now."""
    before = path.stat().st_mtime_ns if path.exists() else None
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if path.exists() and path.stat().st_mtime_ns != before:
            return
        time.sleep(0.001)
    raise AssertionError(f"{path} was not written, the command ended with {process.poll()}")


@pytest.fixture(scope="module", params=LEARNING)
def survivor(request, tmp_path_factory, tiny, mlflow_template, trained) -> Survivor:
    stage = request.param
    place = workplace(tmp_path_factory.mktemp(f"killed_{stage}"), tiny, mlflow_template, trained.best("metric"))
    checkpoint, statuses = place.out(stage) / "last.ckpt", []
    for number in (signal.SIGKILL, signal.SIGTERM):
        process = place.start(place.command(stage))
        wait_for_checkpoint(checkpoint, process)
        process.send_signal(number)
        statuses.append(process.wait(timeout=60))
    mlflow_run = read_json(place.out(stage) / "mlflow.json")["run_id"]
    statuses.append(place.run(place.command(stage)))
    return Survivor(stage, place, tuple(statuses), mlflow_run)


def test_a_killed_and_a_stopped_command_go_on_where_they_were(survivor):
    assert survivor.statuses == (-signal.SIGKILL, 128 + signal.SIGTERM, 0)
    resumed = [int(step) for step in re.findall(r"resumed at step (\d+)", survivor.place.log)]
    stopped = [int(step) for step in re.findall(r"stopped at step (\d+) of 8: the same command", survivor.place.log)]
    assert len(resumed) == 2
    assert 3 <= resumed[0] < resumed[1] == stopped[0] <= 8


def test_its_best_weights_are_those_of_an_undisturbed_run_to_the_bit(survivor, trained):
    torch.testing.assert_close(
        survivor.place.networks(survivor.stage), trained.networks(survivor.stage), atol=0, rtol=0
    )


def test_its_history_is_that_of_an_undisturbed_run(survivor, trained):
    assert survivor.place.history(survivor.stage) == trained.history(survivor.stage)


def test_its_results_are_those_of_an_undisturbed_run(survivor, trained):
    mine, theirs = (read_json(place.out(survivor.stage) / "run.json") for place in (survivor.place, trained))
    waits = [run["metrics"].pop("data_wait") for run in (mine, theirs)]
    assert all(0 <= wait <= 1 for wait in waits)
    assert mine["metrics"] == theirs["metrics"]
    assert mine["settings_digest"] == theirs["settings_digest"]


def test_it_stays_one_mlflow_run_to_which_every_number_is_sent_once(survivor):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", survivor.place.environment["MLFLOW_TRACKING_URI"])
        client = connect()
        run_id = read_json(survivor.place.out(survivor.stage) / "run.json")["mlflow_run_id"]
        assert run_id == survivor.mlflow_run
        sent = [
            (metric.step, metric.value) for metric in client.get_metric_history(run_id, "val_" + _criterion(survivor))
        ]
    history = survivor.place.history(survivor.stage)
    name = "val_" + _criterion(survivor)
    assert sorted(sent) == sorted((line["step"], line[name]) for line in history if name in line)


def _criterion(survivor: Survivor) -> str:
    return {"metric": "loss", "audio2exp": "coefficients", "audio2pose": "evidence", "renderer": "l1"}[survivor.stage]


def test_loader_processes_do_not_change_the_weights(tmp_path, tiny, mlflow_template, trained):
    changes = {"metrics": {"paper": {"training": {"workers": 2}}}}
    place = workplace(tmp_path / "workers", tiny, mlflow_template, **changes)
    assert place.run(place.command("metric")) == 0
    torch.testing.assert_close(place.networks("metric"), trained.networks("metric"), atol=0, rtol=0)

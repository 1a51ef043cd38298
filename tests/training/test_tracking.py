"""Facts about a run's lineage, and how it is laid out in MLflow: one parent an invocation, nothing sent twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import LEARNING
from tracked_runs import SETTINGS, family, finished_run, history, runs

from tavce.files import digest, read_json, sha256
from tavce.training.mlflow_store import Sender, connect, flatten
from tavce.training.tracking import Run


def test_the_run_json_leads_from_a_number_to_everything_it_came_from(place):
    finished_run(place / "toy")
    lineage = read_json(place / "toy/run.json")
    assert (lineage["stage"], lineage["name"], lineage["invocation"]) == ("toy", "one", "monday")
    assert lineage["settings"] == SETTINGS
    assert lineage["settings_digest"] == digest(SETTINGS)
    assert lineage["index_digest"] == "d" * 16
    assert lineage["styles"] == {"ann": 0}
    assert lineage["metrics"] == {"loss": 0.25, "auc": None, "steps": 3}
    checkpoint = place / "toy/best.pt"
    assert lineage["checkpoint"] == {"path": str(checkpoint), "sha256": sha256(checkpoint)}
    assert lineage["versions"]["torch"].startswith("2.")
    assert lineage["seconds"] >= 0


def test_the_run_json_names_the_commit_of_the_code(place):
    finished_run(place / "toy")
    commit = read_json(place / "toy/run.json")["git_commit"]
    root = Path(__file__).parents[2]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False).stdout
    assert commit is None or commit.removesuffix("-dirty") == head.strip()


def test_the_history_is_what_was_logged(place):
    finished_run(place / "toy")
    lines = [json.loads(line) for line in (place / "toy/history.jsonl").read_text().splitlines()]
    assert lines == [{"step": step, "loss": 1 / step, "speed": 2.0 * step} for step in (1, 2, 3)]


def test_mlflow_gets_settings_numbers_artifacts_and_the_end(place):
    finished_run(place / "toy")
    run = connect().get_run(read_json(place / "toy/run.json")["mlflow_run_id"])
    assert run.info.run_name == "toy/one"
    assert run.info.status == "FINISHED"
    assert run.data.params["toy.rate"] == "0.1"
    assert len(run.data.params["toy.deeper.name"]) == 6000
    assert run.data.tags["tavce.index_digest"] == "d" * 16
    assert history(run.info.run_id, "loss") == [(1, 1), (2, 0.5), (3, 1 / 3)]
    assert history(run.info.run_id, "final_loss") == [(3, 0.25)]
    assert {item.path for item in connect().list_artifacts(run.info.run_id)} == {"best.pt", "run.json"}


def test_the_runs_of_an_invocation_are_nested_below_one_parent(place):
    finished_run(place / "a", "one", steps=1)
    finished_run(place / "b", "two", steps=1)
    parents, nested = family()
    assert list(parents.values()) == ["monday"]
    assert nested == {"toy/one": next(iter(parents)), "toy/two": next(iter(parents))}


def test_the_learning_stages_are_nested_below_one_parent(trained, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.environment["MLFLOW_TRACKING_URI"])
    parents = {run.data.tags.get("mlflow.parentRunId") for run in runs()}
    assert {run.data.tags.get("tavce.stage") for run in runs()} == {None, *LEARNING}
    assert len(parents - {None}) == 1


def test_another_invocation_has_a_parent_of_its_own(place, monkeypatch):
    finished_run(place / "a", steps=1)
    monkeypatch.setenv("TAVCE_INVOCATION", "tuesday")
    finished_run(place / "b", steps=1)
    assert sorted(family()[0].values()) == ["monday", "tuesday"]


@pytest.mark.slow
@pytest.mark.parametrize("database", ["mlflow.db", "fresh.db"])
def test_two_stages_that_start_together_make_one_parent(place, monkeypatch, database):
    code = "; ".join(
        [
            "import sys",
            "from pathlib import Path",
            "from tavce.training.tracking import Run",
            "run = Run(Path(sys.argv[1]), 'toy', sys.argv[1], {'a': 1}, 'd')",
            "run.restart(0)",
            "run.log(1, {'loss': 1.0})",
            "run.finish({'loss': 1.0}, [])",
        ]
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/{database}")
    racing = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("left", "right")]
    assert [process.wait(timeout=120) for process in racing] == [0, 0]
    parents, nested = family()
    assert len(parents) == 1
    assert nested == {"toy/left": next(iter(parents)), "toy/right": next(iter(parents))}


def test_a_run_that_goes_on_keeps_its_mlflow_run_and_sends_nothing_twice(place):
    run = Run(place / "toy", "toy", "one", SETTINGS, "d")
    run.restart(0)
    for step in range(1, 5):
        run.log(step, {"loss": float(step)})
    run.flush()
    first = Sender(place / "toy").run_id
    again = Run(place / "toy", "toy", "one", SETTINGS, "d")
    again.restart(2)  # steps 3 and 4 came after the last checkpoint: they are taken again
    for step in range(3, 7):
        again.log(step, {"loss": float(step)})
    again.finish({"steps": 6}, [])
    assert read_json(place / "toy/run.json")["mlflow_run_id"] == first
    assert history(first, "loss") == [(step, float(step)) for step in range(1, 7)]


def test_a_run_that_starts_anew_gets_a_new_mlflow_run(place):
    finished_run(place / "toy", steps=1)
    first = read_json(place / "toy/run.json")["mlflow_run_id"]
    finished_run(place / "toy", steps=2)
    second = read_json(place / "toy/run.json")["mlflow_run_id"]
    assert second != first
    assert [step for step, _ in history(second, "loss")] == [1, 2]


def drawn(folder: Path, *names: str) -> None:
    """Leave pictures as a run draws them while it learns."""
    (folder / "samples").mkdir(exist_ok=True)
    for name in names:
        (folder / "samples" / name).write_bytes(b"picture")


def artifacts(run: Run) -> list[str]:
    """Return the names of the sample pictures that MLflow has of a run."""
    return [item.path for item in connect().list_artifacts(Sender(run.folder).run_id, "samples")]


def test_pictures_are_sent_while_a_run_learns_each_once_and_only_whole(place):
    run = Run(place / "toy", "toy", "one", SETTINGS, "d")
    run.restart(0)
    drawn(run.folder, "step_000240.png", "step_000480.part-node1-7.png")
    run.flush()
    assert artifacts(run) == ["samples/step_000240.png"]
    drawn(run.folder, "step_1000000.png")
    run.flush()
    assert artifacts(run) == ["samples/step_000240.png", "samples/step_1000000.png"]
    assert read_json(run.folder / "mlflow.json")["pictures_sent"] == ["step_000240.png", "step_1000000.png"]


def test_pictures_that_were_drawn_after_the_last_checkpoint_are_forgotten(place):
    run = Run(place / "toy", "toy", "one", SETTINGS, "d")
    run.restart(0)
    drawn(run.folder, "step_000240.png", "step_000480.png")
    run.restart(300)
    assert [path.name for path in (run.folder / "samples").iterdir()] == ["step_000240.png"]


def test_a_line_cut_off_by_a_kill_is_left_out(place):
    run = Run(place / "toy", "toy", "one", SETTINGS, "d")
    run.restart(0)
    run.log(1, {"loss": 1.0})
    with open(run.lines, "a", encoding="utf-8") as file:
        file.write('{"step": 2, "lo')
    run.restart(1)
    assert run.lines.read_text() == '{"step": 1, "loss": 1.0}\n'


def test_settings_become_dotted_names():
    flat = flatten({"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None})
    assert flat == {"a.b.c": "1", "a.d": "[1, 2]", "e": "None"}


def test_a_stage_run_by_hand_ends_its_own_parent(place, monkeypatch):
    monkeypatch.delenv("TAVCE_INVOCATION", raising=False)
    finished_run(place / "toy", steps=1)
    status = {run.info.run_name.partition("-")[0]: run.info.status for run in runs()}
    assert status == {"by": "FINISHED", "toy/one": "FINISHED"}

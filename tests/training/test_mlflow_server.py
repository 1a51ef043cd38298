"""Facts about an MLflow server that is down: nothing is lost, and everything is sent once when it is back."""

import logging

import pytest
from tracked_runs import closed_port, finished_run, history, runs, server

from tavce.cli import main
from tavce.files import read_json, write_json
from tavce.training.mlflow_store import connect


@pytest.fixture
def dead(place, monkeypatch) -> int:
    """A server that does not answer; its port."""
    port = closed_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return port


def test_a_server_that_is_down_costs_a_run_nothing(dead, place, caplog):
    with caplog.at_level(logging.WARNING):
        finished_run(place / "toy")
    assert "MLflow did not answer" in caplog.text
    assert read_json(place / "toy/run.json")["metrics"]["loss"] == 0.25
    assert read_json(place / "toy/run.json")["mlflow_run_id"] is None
    assert len((place / "toy/history.jsonl").read_text().splitlines()) == 3
    assert "pending" in read_json(place / "toy/mlflow.json")


def test_what_is_still_to_be_sent_is_counted_and_kept(dead, place, caplog):
    finished_run(place / "results/toy")
    with caplog.at_level(logging.WARNING):
        assert main(["finish", "--status", "FINISHED"]) == 0
    assert "1 runs are still to be sent" in caplog.text
    assert "pending" in read_json(place / "results/toy/mlflow.json")


@pytest.mark.slow
def test_finish_sends_everything_once_when_the_server_is_back(dead, place):
    finished_run(place / "results/toy")
    with server(place, dead):
        assert main(["finish", "--status", "FINISHED"]) == 0
        assert main(["finish", "--status", "FINISHED"]) == 0
        run_id = read_json(place / "results/toy/mlflow.json")["run_id"]
        assert history(run_id, "loss") == [(1, 1), (2, 0.5), (3, 1 / 3)]
        assert history(run_id, "speed") == [(1, 2), (2, 4), (3, 6)]
        assert {item.path for item in connect().list_artifacts(run_id)} == {"best.pt", "run.json"}
        assert {run.info.run_name: run.info.status for run in runs()} == {"monday": "FINISHED", "toy/one": "FINISHED"}


def test_final_numbers_and_pictures_that_were_kept_arrive_too(place, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    finished_run(place / "results/toy")
    (place / "results/toy/samples").mkdir()
    (place / "results/toy/samples/step_000002.png").write_bytes(b"picture")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/mlflow.db")
    assert main(["finish", "--status", "FINISHED"]) == 0
    run_id = read_json(place / "results/toy/mlflow.json")["run_id"]
    assert history(run_id, "loss") == [(1, 1), (2, 0.5), (3, 1 / 3)]
    assert history(run_id, "final_loss") == [(3, 0.25)]
    assert [item.path for item in connect().list_artifacts(run_id, "samples")] == ["samples/step_000002.png"]


def test_finish_ends_the_parent_and_attaches_funnel_and_tables(place):
    finished_run(place / "results/toy", steps=1)
    write_json(place / "results/funnel/funnel.json", {})
    (place / "results/tables").mkdir()
    (place / "results/tables/table.md").write_text("| a |", encoding="utf-8")
    assert main(["finish", "--status", "FAILED"]) == 0
    parent = next(run for run in runs() if run.data.tags.get("tavce.role") == "invocation")
    assert parent.info.status == "FAILED"
    attached = {item.path for item in connect().list_artifacts(parent.info.run_id)}
    assert attached == {"funnel.json", "table.md"}

"""Runs that go to MLflow, and what it says of them."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tavce.training import mlflow_store
from tavce.training.mlflow_store import connect
from tavce.training.tracking import Run

SETTINGS = {"window": {"steps": 16}, "toy": {"rate": 0.1, "sizes": [1, 2], "deeper": {"name": "x" * 7000}}}


def finished_run(folder: Path, name: str = "one", steps: int = 3) -> Run:
    """Return a run of some steps, with one checkpoint."""
    run = Run(folder, "toy", name, SETTINGS, "d" * 16, {"styles": {"ann": 0}})
    run.restart(0)
    for step in range(1, steps + 1):
        run.log(step, {"loss": 1 / step, "speed": 2.0 * step})
        run.flush()
    (folder / "best.pt").write_bytes(b"weights")
    run.finish({"loss": 0.25, "auc": None, "steps": steps}, [folder / "best.pt"])
    return run


def history(run_id: str, name: str) -> list[tuple[int, float]]:
    """Return what MLflow has of one number: (step, value) by step."""
    return sorted((metric.step, metric.value) for metric in connect().get_metric_history(run_id, name))


def runs() -> list[Any]:
    """Return all runs of the experiment."""
    client = connect()
    return client.search_runs([client.get_experiment_by_name(mlflow_store.EXPERIMENT).experiment_id])


def family() -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of the parent runs by id, and the parent's id of every nested run by name."""
    parents = {run.info.run_id: run.info.run_name for run in runs() if run.data.tags.get("tavce.role") == "invocation"}
    nested = [run for run in runs() if run.info.run_id not in parents]
    return parents, {run.info.run_name: run.data.tags["mlflow.parentRunId"] for run in nested}


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(folder: Path, port: int) -> Iterator[None]:
    """Serve a folder's MLflow database on 127.0.0.1 until the block ends."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "served"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    with open(folder / "server.txt", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1"], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/health", process)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _wait_until_healthy(url: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"{url} does not answer")

"""The one module that knows MLflow: one parent run a pipeline invocation, a nested run a stage.

The store is `sqlite:///results/mlflow.db`, or what MLFLOW_TRACKING_URI names. What a server that is down does not take
is kept and sent by the next `tavce finish`. MLflow is imported when something is sent: that takes seconds.
"""

import json
import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

from filelock import FileLock

from tavce.files import read_json, write_json

log = logging.getLogger(__name__)
EXPERIMENT = "tavce"
BY_HAND = "by-hand-"  # begins the name of a stage's own invocation, outside Snakemake
LINES = 40  # of a log sent at once: MLflow takes 1000 numbers
PARAMS = 100  # settings MLflow takes at once
PARAM_CHARACTERS = 6000
SAMPLES = "samples"  # a run's folder of pictures that are drawn while it learns: step_000240.png
NOTHING_SENT = {"run_id": None, "settings_sent": False, "lines_sent": 0, "pictures_sent": ()}


def invocation() -> str:
    """Return the name of this pipeline invocation; a stage run by hand is one of its own."""
    return os.environ.setdefault("TAVCE_INVOCATION", f"{BY_HAND}{os.getpid()}-{int(time.time())}")


class Sender:
    """Brings a run's `log.jsonl` to MLflow, as far as a server answers; `mlflow.json` says what is still to be sent."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._path = folder / "mlflow.json"
        self._state = dict(NOTHING_SENT)
        if self._path.is_file():
            self._state |= read_json(self._path)

    @property
    def run_id(self) -> str | None:
        """The MLflow run, None before it was first reached."""
        return self._state["run_id"]

    def forget(self) -> None:
        """Begin a new MLflow run."""
        self._path.unlink(missing_ok=True)
        self._state = dict(NOTHING_SENT)

    def send(self, lineage: dict[str, Any], artifacts: Sequence[Path] = (), ended: bool = False) -> bool:
        """Send settings, artifacts, new numbers and pictures; return whether MLflow took them. Never loses the run."""
        from mlflow.exceptions import MlflowException

        try:
            self._deliver(lineage, artifacts, ended)
        except (MlflowException, OSError) as error:
            log.warning("MLflow did not answer (%s): numbers are kept and sent later", str(error).splitlines()[0])
            self._state["pending"] = {
                "lineage": lineage,
                "artifacts": [str(item) for item in artifacts],
                "ended": ended,
            }
        write_json(self._path, self._state)
        return "pending" not in self._state

    def send_pending(self) -> bool:
        """Send what an earlier attempt could not; return whether nothing is left to send."""
        pending = self._state.pop("pending", None)
        if pending is None:
            return True
        return self.send(pending["lineage"], [Path(item) for item in pending["artifacts"]], pending["ended"])

    def _deliver(self, lineage: dict[str, Any], artifacts: Sequence[Path], ended: bool) -> None:
        client = connect()
        state = self._state
        if state["run_id"] is None:
            state["run_id"] = nested_run(client, lineage)
        if not state["settings_sent"]:
            send_settings(client, state["run_id"], lineage["settings"])
            state["settings_sent"] = True
        lines = read_lines(self._folder / "log.jsonl")
        while state["lines_sent"] < len(lines):
            some = lines[state["lines_sent"] :][:LINES]
            client.log_batch(state["run_id"], metrics=metrics_of(some))
            state["lines_sent"] += len(some)
        for picture in pictures(self._folder):
            if picture.name not in state["pictures_sent"]:
                client.log_artifact(state["run_id"], str(picture), SAMPLES)
                state["pictures_sent"] = [*state["pictures_sent"], picture.name]
        for artifact in artifacts:
            client.log_artifact(state["run_id"], str(artifact))
        if ended:
            client.set_terminated(state["run_id"])
            if invocation().startswith(BY_HAND):
                client.set_terminated(read_json(parent_file())["run_id"])


def send_settings(client: Any, run_id: str, settings: dict[str, Any]) -> None:
    """Store the settings as a run's parameters."""
    from mlflow.entities import Param

    params = [Param(key, value[:PARAM_CHARACTERS]) for key, value in flatten(settings).items()]
    for start in range(0, len(params), PARAMS):
        client.log_batch(run_id, params=params[start : start + PARAMS])


def metrics_of(lines: Sequence[dict[str, float | None]]) -> list[Any]:
    """Return the numbers of lines as MLflow's metrics; numbers that could not be had are left out."""
    from mlflow.entities import Metric

    now_ms = int(time.time() * 1000)
    return [
        Metric(key, float(value), now_ms, int(line["step"]))
        for line in lines
        for key, value in line.items()
        if key != "step" and value is not None
    ]


def read_lines(path: Path) -> list[dict[str, float | None]]:
    """Return the lines of a log; the last one of a killed run may be cut off, and is left out."""
    if not path.is_file():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(json.JSONDecodeError):
            lines.append(json.loads(line))
    return lines


def pictures(folder: Path) -> dict[Path, int]:
    """Return the whole pictures that a run has drawn while it learned, and the step of each, in order."""
    steps = {path: path.stem.removeprefix("step_") for path in (folder / SAMPLES).glob("step_*.png")}
    return dict(sorted(((path, int(step)) for path, step in steps.items() if step.isdigit()), key=itemgetter(1)))


def connect() -> Any:
    """Return an MLflow client on the configured store; a new sqlite file is laid out by one process at a time."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow

    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///results/mlflow.db"
    if not uri.startswith("sqlite:///"):
        return mlflow.MlflowClient(tracking_uri=uri)
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock")):
        client = mlflow.MlflowClient(tracking_uri=uri)
        client.get_experiment_by_name(EXPERIMENT)
    return client


def parent_file() -> Path:
    """Return where this invocation notes its parent run."""
    return Path("results/mlflow") / f"{invocation()}.json"


def nested_run(client: Any, lineage: dict[str, Any]) -> str:
    """Create a run below the invocation's parent run, which the first stage creates; return its id."""
    path = parent_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            root = (
                None if os.environ.get("MLFLOW_TRACKING_URI") else Path("results/mlflow/artifacts").resolve().as_uri()
            )
            experiment_id = client.create_experiment(EXPERIMENT, artifact_location=root)
        else:
            experiment_id = experiment.experiment_id
        if not path.is_file():
            parent = client.create_run(experiment_id, run_name=invocation(), tags={"tavce.role": "invocation"})
            write_json(path, {"run_id": parent.info.run_id})
    tags = {
        "mlflow.parentRunId": read_json(path)["run_id"],
        "tavce.stage": lineage["stage"],
        "tavce.git_commit": lineage["git_commit"] or "unknown",
        "tavce.index_digest": lineage["index_digest"],
        "tavce.settings_digest": lineage["settings_digest"],
        **lineage.get("tags", {}),
    }
    name = "/".join(part for part in (lineage["stage"], lineage["name"]) if part)
    return client.create_run(experiment_id, run_name=name, tags=tags).info.run_id


def flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as dotted names and texts."""
    flat = {}
    for key, value in settings.items():
        inner = flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": str(value)}
        flat.update(inner)
    return flat

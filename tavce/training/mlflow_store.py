"""The one module that knows MLflow: one parent run a pipeline invocation, a nested run a stage.

The store is `sqlite:///results/mlflow.db`, or what MLFLOW_TRACKING_URI names. What a server that is down does not take
is kept and sent by the next `tavce finish`. MLflow is imported when something is sent: that takes seconds.
"""

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from tavce.files import read_json, write_json

log = logging.getLogger(__name__)
EXPERIMENT = "tavce"
BATCH = 900  # metrics MLflow takes at once
PARAMS = 100  # settings MLflow takes at once


def invocation() -> str:
    """Return the name of this pipeline invocation; a stage run by hand is one of its own."""
    return os.environ.setdefault("TAVCE_INVOCATION", f"by-hand-{os.getpid()}-{int(time.time())}")


class Sender:
    """Brings a run's files to MLflow, as far as a server answers; remembers in `mlflow.json` what is still to send."""

    def __init__(self, folder: Path):
        self._path = folder / "mlflow.json"
        self._state = read_json(self._path) if self._path.is_file() else {"run_id": None, "sent": 0}

    @property
    def run_id(self) -> str | None:
        """The MLflow run, None before it was first reached."""
        return self._state["run_id"]

    def forget(self) -> None:
        """Begin a new MLflow run."""
        self._path.unlink(missing_ok=True)
        self._state = {"run_id": None, "sent": 0}

    def send(
        self, lineage: dict[str, Any], history: list[dict], artifacts: list[Path] | None = None, ended: bool = False
    ) -> bool:
        """Send settings, new numbers and artifacts; return whether MLflow took them. Never loses the run."""
        from mlflow.exceptions import MlflowException

        pending = {"lineage": lineage, "artifacts": [str(item) for item in artifacts or []], "ended": ended}
        try:
            self._deliver(lineage, history, artifacts or [], ended)
        except (MlflowException, OSError) as error:
            log.warning("MLflow did not answer (%s): numbers are kept and sent later", str(error).splitlines()[0])
            write_json(self._path, {**self._state, "pending": pending})
            return False
        write_json(self._path, self._state)
        return True

    def send_pending(self) -> bool:
        """Send what an earlier attempt could not; return whether nothing is left to send."""
        pending = self._state.pop("pending", None)
        if pending is None:
            return True
        folder = self._path.parent
        lines = (folder / "log.jsonl").read_text().splitlines() if (folder / "log.jsonl").is_file() else []
        artifacts = [Path(item) for item in pending["artifacts"]]
        return self.send(pending["lineage"], [json.loads(line) for line in lines], artifacts, pending["ended"])

    def _deliver(self, lineage: dict[str, Any], history: list[dict], artifacts: list[Path], ended: bool) -> None:
        from mlflow.entities import Metric, Param

        client = connect()
        if self.run_id is None:
            self._state["run_id"] = nested_run(client, lineage)
            params = [Param(key, value[:6000]) for key, value in flatten(lineage["settings"]).items()]
            for start in range(0, len(params), PARAMS):
                client.log_batch(self.run_id, params=params[start : start + PARAMS])
        now_ms = int(time.time() * 1000)
        fresh = [
            Metric(key, float(value), now_ms, int(line["step"]))
            for line in history[self._state["sent"] :]
            for key, value in line.items()
            if key != "step" and value is not None
        ]
        for start in range(0, len(fresh), BATCH):
            client.log_batch(self.run_id, metrics=fresh[start : start + BATCH])
        self._state["sent"] = len(history)
        for artifact in artifacts:
            client.log_artifact(self.run_id, str(artifact))
        if ended:
            client.set_terminated(self.run_id)


def connect() -> Any:
    """Return an MLflow client on the configured store."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow

    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///results/mlflow.db"
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return mlflow.MlflowClient(tracking_uri=uri)


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

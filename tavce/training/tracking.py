"""One stage's run: its numbers as they come, then `run.json`, the lineage that a table's cell leads to.

Everything is written to files first (`log.jsonl`, then `run.json`) and sent to MLflow from there, so that a server
that is down never loses a run.
"""

import json
import platform
import subprocess
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tavce.files import digest, sha256, write_json, write_text
from tavce.training.mlflow_store import Sender, invocation, pictures, read_lines

VERSIONED = ("tavce", "torch", "numpy", "h5py", "lightning-fabric", "opencv-python-headless", "av", "mlflow", "yt-dlp")


FINAL_PREFIX = "final_"


def _is_final(line: dict[str, float | None]) -> bool:
    return any(name.startswith(FINAL_PREFIX) for name in line)


@dataclass
class Run:
    """One stage's run: numbers go to a file, and from there to MLflow."""

    folder: Path
    stage: str
    name: str
    settings: dict[str, Any]
    data: str  # digest of the indexes
    extra: dict[str, Any] = field(default_factory=dict)  # more of the run's lineage, into run.json
    began: float = field(default_factory=time.monotonic)

    @property
    def lines(self) -> Path:
        """Where numbers are written as they come; `history.jsonl` is its finished copy."""
        return self.folder / "log.jsonl"

    def restart(self, step: int) -> None:
        """Forget what an interrupted run logged and drew after `step`, its last checkpoint."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = [line for line in read_lines(self.lines) if line["step"] <= step and not _is_final(line)]
        write_text(self.lines, "".join(json.dumps(line) + "\n" for line in kept))
        for picture, drawn_at in pictures(self.folder).items():
            if drawn_at > step:
                picture.unlink()
        if step == 0:
            Sender(self.folder).forget()

    def log(self, step: int, numbers: dict[str, float]) -> None:
        """Write numbers of a step."""
        with open(self.lines, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")

    def flush(self) -> None:
        """Send what is new to MLflow."""
        Sender(self.folder).send(self._lineage())

    def finish(self, metrics: dict[str, float | None], artifacts: list[Path]) -> None:
        """Write `run.json` and `history.jsonl`, and send all of it."""
        write_text(self.folder / "history.jsonl", self.lines.read_text(encoding="utf-8"))
        self.write(self.folder / "run.json", metrics, artifacts)

    def write(self, path: Path, metrics: dict[str, float | None], artifacts: list[Path]) -> None:
        """Write `run.json` to `path`, and send it with the metrics, settings and artifacts.

        Where no server answers, `mlflow_run_id` is null; `mlflow.json` in the folder has it once it was sent.
        """
        checkpoints = [item for item in artifacts if item.suffix == ".pt"]
        lineage = {
            **self._lineage(),
            "metrics": metrics,
            "seconds": round(time.monotonic() - self.began, 1),
            "checkpoint": {"path": str(checkpoints[0]), "sha256": sha256(checkpoints[0])} if checkpoints else None,
        }
        sender = Sender(self.folder)
        write_json(path, {**lineage, "mlflow_run_id": sender.run_id})
        final = {f"{FINAL_PREFIX}{name}": value for name, value in metrics.items()}
        self.log(int(metrics.get("steps") or 0), final)
        sender.send(lineage, [path, *artifacts], ended=True)
        write_json(path, {**lineage, "mlflow_run_id": sender.run_id})

    def _lineage(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "name": self.name,
            "settings": self.settings,
            "settings_digest": digest(self.settings),
            "index_digest": self.data,
            "git_commit": git_commit(),
            "versions": {name: _version(name) for name in VERSIONED},
            "python": platform.python_version(),
            "platform": platform.platform(),
            "invocation": invocation(),
            **self.extra,
        }


def git_commit() -> str | None:
    """Return the commit this code is of, with `-dirty` where files differ; None outside a checkout."""
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

"""The learning stages' commands on the corpus in miniature, in this process or in one of their own."""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from forked import Forked, start
from tiny_corpus import TinyCorpus, tiny_settings

from tavce.config import Settings

NAMES = {"metric": "paper", "renderer": "ours"}
LEARNING = ("metric", "audio2exp", "audio2pose", "renderer")


@dataclass(frozen=True)
class Workplace:
    """A folder with an MLflow database of its own, in which stages run."""

    folder: Path
    tiny: TinyCorpus
    settings: Settings
    metric: str = ""  # best.pt that the renderer listens to

    def out(self, stage: str) -> Path:
        """Return where a stage writes."""
        return self.folder / stage

    def best(self, stage: str) -> str:
        return str(self.out(stage) / "best.pt")

    def history(self, stage: str) -> list[dict[str, float]]:
        """Return what a finished stage has logged."""
        return [json.loads(line) for line in (self.out(stage) / "history.jsonl").read_text().splitlines()]

    def networks(self, stage: str) -> dict[str, dict[str, torch.Tensor]]:
        """Return the weights in a stage's best.pt."""
        return torch.load(self.best(stage), weights_only=True)["networks"]

    def command(self, stage: str, folder: Path | None = None) -> list[str]:
        """Return the arguments of a learning stage."""
        name = NAMES.get(stage)
        arguments = [stage, "--settings", self.settings.sections(stage, name), "--indexes", self.tiny.index]
        arguments += ["--folder", str(folder or self.out(stage))]
        arguments += ["--name", name] if name else []
        arguments += ["--basis", self.tiny.basis_path] if stage == "audio2exp" else []
        arguments += ["--metric", self.metric or self.best("metric")] if stage == "renderer" else []
        return arguments

    @property
    def environment(self) -> dict[str, str]:
        """What makes runs go to the database of this folder."""
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db", "TAVCE_INVOCATION": self.folder.name}

    def start(self, arguments: Iterable[str], **environment: str) -> Forked:
        """Start a command in a process of its own; its log goes to `log.txt`."""
        told = {**os.environ, "OMP_NUM_THREADS": "1", **self.environment, **environment}
        return start(["tavce", *arguments], self.folder, told, self.folder / "log.txt")

    def run(self, arguments: Iterable[str], **environment: str) -> int:
        """Run a command in a process of its own; return its exit status."""
        return self.start(arguments, **environment).wait(timeout=300)

    @property
    def log(self) -> str:
        """What the commands have said."""
        return (self.folder / "log.txt").read_text(encoding="utf-8")


def workplace(folder: Path, tiny: TinyCorpus, template: Path, metric: str = "", **changes: Any) -> Workplace:
    """Return a new workplace with a copy of an empty MLflow database."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "mlflow.db")
    return Workplace(folder, tiny, tiny_settings(**changes), metric)

"""What the training stages share: their arguments, and the way through the loop."""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from tavce.config.learning import Training
from tavce.dataset import Draws
from tavce.files import input_file
from tavce.stages import STAGES
from tavce.training.job import Job, Learner, Pictures
from tavce.training.loop import Loop
from tavce.training.tracking import Run


def training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every training stage takes."""
    parser.add_argument(
        "--indexes", type=input_file, nargs="+", required=True, help="indexes of the datasets, .parquet"
    )
    parser.add_argument("--folder", required=True, help="where checkpoints and results go")
    parser.add_argument("--threads", type=int, default=1)


@dataclass(frozen=True)
class Task:
    """What is trained: a stage, the name of its recipe or variant, and what identifies its inputs."""

    stage: str
    training: Training
    data: str  # digest of the indexes and of other inputs
    name: str = ""
    extra: dict[str, Any] = field(default_factory=dict)  # more lineage for run.json
    pictures: Pictures | None = None


def train(
    task: Task, arguments: argparse.Namespace, learner: Learner, engine: Fabric, draws: tuple[Draws, Draws]
) -> tuple[Run, dict[str, float]]:
    """Train a learner on draws of training and validation clips; return its run, still open, and the best numbers."""
    settings = json.loads(arguments.settings)
    version = STAGES[task.stage].version
    extra = {"stage_version": version, **task.extra}
    track = Run(Path(arguments.folder), task.stage, task.name, settings, task.data, extra)
    job = Job(track.folder, task.training, version, settings, task.data, track, task.pictures)
    return track, Loop(job, learner, engine).run(*draws)


def mean_terms(results: list[dict[str, Tensor]]) -> dict[str, float]:
    """Return the mean of every number over batches."""
    return {name: float(torch.stack([terms[name] for terms in results]).mean()) for name in results[0]}

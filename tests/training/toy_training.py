"""A learner whose every number is known: one weight that is pulled to the mean of its draws."""

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import torch
from lightning_fabric import Fabric
from tiny_corpus import TRAINING

from tavce.config.learning import Training
from tavce.dataset import Draws
from tavce.training.job import Job, Losses, Pictures
from tavce.training.loop import Loop, fabric


class Numbers(Draws):
    """Draw n is the number n, a little off by chance."""

    def __init__(self, clips: int):
        super().__init__([*range(clips)], None, 7)

    def sample(self, entry, random):
        return {"number": torch.tensor([entry + 0.1 * random.random()], dtype=torch.float32)}


class Weight(torch.nn.Module):
    def __init__(self, noise: float):
        super().__init__()
        self.noise = noise
        self.value = torch.nn.Parameter(torch.zeros(1))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Return the squared distance from the weight, with noise that the step's own seed gives."""
        return (numbers - self.value + self.noise * torch.randn_like(numbers)).square().mean()


@dataclass
class ToyLearner:
    """Learns the weight; `scores` are what its validations say, one after the other, else the loss itself."""

    scores: list[float] = field(default_factory=list)
    breaks_at: int | None = None
    criterion: str = "score"
    noise: float = 0.01
    explodes_at: int | None = None  # step whose loss is finite, with a gradient that is not

    def __post_init__(self):
        self.networks = {"weight": Weight(self.noise)}
        self.optimisers = {"all": torch.optim.Adam(self.networks["weight"].parameters(), lr=0.1)}
        self.optimisers["all"].register_step_post_hook(lambda *_step: self.stepped())
        self.averaged = ("weight",)
        self.rates, self.trained, self.seen, self.weights = [], 0, [], []

    def losses(self, batch: dict[str, torch.Tensor]) -> Losses:
        loss = self.networks["weight"](batch["number"])
        if self.trained + 1 == self.explodes_at:
            loss = loss + (0 * loss).sqrt()
        self.rates.append(self.optimisers["all"].param_groups[0]["lr"])
        self.seen.append(batch["number"].flatten().tolist())
        return Losses({"all": loss}, {"loss": loss * (float("nan") if self.trained + 1 == self.breaks_at else 1)})

    def stepped(self) -> None:
        """Count a step of the optimiser, and note the weight after it."""
        self.trained += 1
        self.weights.append(float(self.networks["weight"].state_dict()["value"]))

    def averages(self, decay: float) -> list[float]:
        """Return, by hand, the moving average after 0, 1, … steps."""
        found = [0.0]
        for weight in self.weights:
            found.append(decay * found[-1] + (1 - decay) * weight)
        return found

    def validate(self, batches: Iterable[dict[str, torch.Tensor]]) -> dict[str, float]:
        losses = [float(self.networks["weight"](batch["number"])) for batch in batches]
        return {"score": self.scores.pop(0) if self.scores else sum(losses) / len(losses)}


@dataclass
class Interrupted(ToyLearner):
    """Is told to stop, by a signal, in one of its steps."""

    at: int | None = 6
    number: int = signal.SIGTERM

    def stepped(self) -> None:
        super().stepped()
        if self.trained == self.at:
            os.kill(os.getpid(), self.number)


class Notebook(SimpleNamespace):
    """Keeps what a run would write to files and send to MLflow."""

    def __init__(self):
        super().__init__(stage="toy", lines=[], flushes=0)

    def restart(self, step: int) -> None:
        self.lines = [line for line in self.lines if line["step"] <= step]

    def log(self, step: int, numbers: dict[str, float]) -> None:
        self.lines.append({"step": step, **numbers})

    def flush(self) -> None:
        self.flushes += 1


def training(**changes: object) -> Training:
    """Return 3 epochs of 4 steps with changes."""
    defaults = {**TRAINING, "epochs": 3, "repeats": 4, "precision": "32-true", "seed": 3, "patience": None}
    defaults |= {"sync_batchnorm": False, "accumulate": 1, "ema": None, "channels_last": False, "compile": False}
    return Training(**{**defaults, **changes})


@dataclass
class Toy:
    """One training run of the toy."""

    folder: Path
    training: Training = field(default_factory=training)
    learner: ToyLearner = field(default_factory=ToyLearner)
    notebook: Notebook = field(default_factory=Notebook)
    data: str = "data"
    version: int = 1
    engine: Fabric | None = None  # None: that of the settings
    pictures: Pictures | None = None
    data_wait: float | None = None  # of the last run

    def run(self) -> dict[str, float]:
        """Return the numbers that are the same whenever it runs; the share of waiting is kept beside them."""
        self.folder.mkdir(exist_ok=True)
        settings = {"toy": self.training.model_dump(mode="json")}
        job = Job(self.folder, self.training, self.version, settings, self.data, self.notebook, self.pictures)
        numbers = Loop(job, self.learner, self.engine or fabric(self.training)).run(Numbers(4), Numbers(2))
        self.data_wait = numbers.pop("data_wait")
        return numbers

    @property
    def weight(self) -> float:
        return float(self.learner.networks["weight"].state_dict()["value"])

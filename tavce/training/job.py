"""What the training loop is given: something that learns, and the run that it is to be.

Shapes: losses are scalars; batches are whatever the learner's draws are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from tavce.config.learning import Training
from tavce.files import digest

Batch = dict[str, Tensor]


class Losses(NamedTuple):
    """What a learner makes of one batch."""

    of: dict[str, Tensor]  # optimiser → its loss, which teaches the weights of this optimiser and no others
    numbers: dict[str, Tensor]  # to log


class Learner(Protocol):
    """What the loop trains."""

    networks: dict[str, torch.nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    averaged: tuple[str, ...]  # the networks that are used after training: `training.ema` is of these
    criterion: str  # the validation number that is to fall

    def losses(self, batch: Batch) -> Losses:
        """Return what one batch teaches; losses are means over its samples."""

    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return numbers on the validation batches, `criterion` among them."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of what the networks make of validation samples while they learn."""

    every: int  # steps
    draw: Callable[[Path], None]  # write the picture of the networks as they are; no random numbers


@dataclass(frozen=True)
class Job:
    """One training run: where it writes, what it may be told, and what identifies it."""

    folder: Path
    training: Training
    version: int  # of the stage
    settings: dict[str, Any]
    data: str  # digest of the indexes and other inputs
    track: Any  # training.tracking.Run
    pictures: Pictures | None = None

    @property
    def identity(self) -> str:
        """What a checkpoint must share to be continued."""
        return digest({"version": self.version, "settings": self.settings, "data": self.data})

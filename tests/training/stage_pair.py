"""A learning stage's real command by several tasks of a step, and the networks that each of them ended with."""

from dataclasses import dataclass

import torch
from job_step import ends, start
from tiny_runs import Workplace


@dataclass(frozen=True)
class Pair:
    """A stage that two ranks have run in a workplace of their own."""

    stage: str
    place: Workplace

    def run(self, tasks: int = 2, told: str = "none", **environment: str) -> list[int]:
        """Run the stage; `told` is `rank step signal`. Return the exit statuses."""
        command = ["stage_rank", *self.place.command(self.stage)]
        told_of = {**self.place.environment, "TOLD": told, **environment}
        return ends(start(command, self.place.folder, (tasks,), **told_of))

    def left(self, rank: int) -> dict[str, dict[str, torch.Tensor]]:
        """Return the networks that a rank ended with."""
        return torch.load(self.place.folder / f"rank{rank}.pt", weights_only=True)

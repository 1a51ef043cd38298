"""A training stage as one task of a step: `tavce` itself, told to stop where TOLD says, and looked at when it ends.

With DOUBLE it trains in double precision: sums in another order then leave no trace that Adam could blow up.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric

from tavce.cli import main
from tavce.training import loop, stage
from tavce.training.job import Batch
from tavce.training.loop import Loop

RANK = os.environ["SLURM_PROCID"]
TOLD = os.environ["TOLD"].split()


class Watched(Loop):
    """Gets a signal after a step where TOLD is `rank step signal`; leaves its networks as `rank{n}.pt`."""

    def _learn(self, batches: Sequence[Batch], epoch_steps: int) -> None:
        super()._learn(batches, epoch_steps)
        if [RANK, str(self._taken)] == TOLD[:2]:
            os.kill(os.getpid(), int(TOLD[2]))

    def _train(self, *arguments: object) -> None:
        super()._train(*arguments)
        torch.set_default_dtype(torch.float32)
        networks = {name: network.state_dict() for name, network in self._learner.networks.items()}
        torch.save(networks, Path.cwd() / f"rank{RANK}.pt")


def in_double_precision() -> None:
    """Let networks be built, and trained, in double precision whatever the settings say."""
    torch.set_default_dtype(torch.float64)
    loop.Fabric = lambda precision, **placement: Fabric(precision="64-true", **placement)


if __name__ == "__main__":
    if "DOUBLE" in os.environ:
        in_double_precision()
    stage.Loop = Watched
    sys.exit(main(sys.argv[1:]))

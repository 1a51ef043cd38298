"""One rank of the toy, as a program: what the command line says as JSON, and what it ends with as `end{rank}.json`."""

import json
import logging
import os
import sys
from pathlib import Path

import torch
from toy_training import Interrupted, Toy, training


def main(folder: Path, changes: dict, scores: list, told: dict, breaks: dict, noise: float) -> None:
    """Train the toy, with `changes` of its settings, and write how it ended.

    Args:
        folder: of all ranks.
        changes: of the settings of training.
        scores: what validations say, one after the other.
        told: rank → (step, signal), where that rank gets a signal.
        breaks: rank → step in which that rank's loss is not finite.
        noise: of the toy's weight.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rank = os.environ.get("SLURM_PROCID", "0")
    at, number = told.get(rank, (None, 0))
    learner = Interrupted(scores, breaks.get(rank), noise=noise, at=at, number=number)
    toy = Toy(folder, training(**changes), learner)
    end = {}
    try:
        end["numbers"] = toy.run()
    finally:
        end |= {"weight": toy.weight, "trained": learner.trained, "rates": learner.rates}
        end |= {"lines": toy.notebook.lines, "flushes": toy.notebook.flushes}
        end |= {"averages": [float(value) for value in averages(toy)]}
        (folder / f"end{rank}.json").write_text(json.dumps(end), encoding="utf-8")


def averages(toy: Toy) -> list[torch.Tensor]:
    """Return what the optimiser remembers of the weight's gradients."""
    (state,) = toy.learner.optimisers["all"].state_dict()["state"].values() or ({},)
    return [state[name] for name in ("exp_avg", "exp_avg_sq") if name in state]


if __name__ == "__main__":
    main(Path.cwd(), **json.loads(sys.argv[1]))

"""The toy as a step of several tasks: started with `run`, each task is this module as a program."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from job_step import ends, logs, start
from toy_training import Interrupted, Toy, training


@dataclass(frozen=True)
class Ended:
    """How every rank of a toy ended."""

    statuses: list[int]
    ranks: list[dict[str, Any]]  # by rank: weight, optimiser, trained, rates, seen, lines, flushes, numbers
    logs: list[str]


def run(folder: Path, nodes: Sequence[int] = (2,), **options: Any) -> Ended:
    """Train the toy by as many tasks as `nodes` says each node has, and return how they ended.

    Options:
        changes: of the settings of training.
        told: rank → (step, signal), where that rank gets a signal.
        breaks: rank → step in which that rank's loss is not finite.
        explodes: rank → step in which that rank's gradient is not finite.
        noise: of the toy's weight.
        scores: what the first validations say.
    """
    for path in folder.glob("rank*.json"):
        path.unlink()
    statuses = ends(start(command(**options), folder, nodes))
    paths = [folder / f"rank{rank}.json" for rank in range(sum(nodes))]
    ranks = [json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {} for path in paths]
    return Ended(statuses, ranks, logs(folder, sum(nodes)))


def command(**options: Any) -> list[str]:
    """Return the command of a task that trains the toy; the options are those of `run`."""
    return ["toy_rank", json.dumps(options)]


def main(folder: Path, options: dict[str, Any]) -> None:
    """Train the toy as one rank, and write how it ended."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rank = os.environ["SLURM_PROCID"]
    at, number = options.get("told", {}).get(rank, (None, 0))
    breaks_at = options.get("breaks", {}).get(rank)
    explodes_at = options.get("explodes", {}).get(rank)
    learner = Interrupted(
        options.get("scores", []), breaks_at, noise=options.get("noise", 0.01), explodes_at=explodes_at, at=at,
        number=number,
    )  # fmt: skip
    toy, numbers = Toy(folder, training(**options.get("changes", {})), learner), None
    try:
        numbers = toy.run()
    finally:
        remembered = learner.optimisers["all"].state_dict()["state"].get(0, {})
        end = {"weight": toy.weight, "optimiser": {name: float(value) for name, value in remembered.items()}}
        end |= {"trained": learner.trained, "rates": learner.rates, "seen": learner.seen, "numbers": numbers}
        end |= {"lines": toy.notebook.lines, "flushes": toy.notebook.flushes}
        (folder / f"rank{rank}.json").write_text(json.dumps(end), encoding="utf-8")


if __name__ == "__main__":
    main(Path.cwd(), json.loads(sys.argv[1]))

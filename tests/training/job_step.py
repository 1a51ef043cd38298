"""Commands as `srun` starts them: one process a task, told by the variables of the step who it is."""

import os
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import forked
from forked import Forked

TESTS = Path(__file__).parents[1]


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def variables(task: int, nodes: Sequence[int], job: int = 4711) -> dict[str, str]:
    """Return what slurm 22.05 was seen to tell task number `task` of a step with so many tasks on each node.

    The job's own variables are those of a batch script that asked for two tasks a node, whatever the step is like.
    """
    node = next(number for number in range(len(nodes)) if task < sum(nodes[: number + 1]))
    names = ",".join(f"node{number + 1}" for number in range(len(nodes)))
    return {
        "SLURM_JOB_ID": str(job),
        "SLURM_JOB_NAME": "batch.sh",
        "SLURM_NTASKS": str(sum(nodes)),
        "SLURM_NPROCS": str(sum(nodes)),
        "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_NNODES": str(len(nodes)),
        "SLURM_JOB_NODELIST": names,
        "SLURM_NODELIST": names,
        "SLURM_PROCID": str(task),
        "SLURM_LOCALID": str(task - sum(nodes[:node])),
        "SLURM_NODEID": str(node),
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NODELIST": names,
        "SLURM_STEP_NUM_NODES": str(len(nodes)),
        "SLURM_STEP_NUM_TASKS": str(sum(nodes)),
        "SLURM_STEP_TASKS_PER_NODE": ",".join(map(str, nodes)),
    }


def start(words: Sequence[str], folder: Path, nodes: Sequence[int] = (2,), **environment: str) -> list[Forked]:
    """Start `python -m words…` as the tasks of a step, in sessions of their own; task n logs to `task{n}.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = os.pathsep.join(map(str, (TESTS, TESTS / "training", TESTS.parent)))
    common = {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [
        forked.start(
            words,
            folder,
            {**os.environ, **common, **variables(task, nodes), **environment},
            folder / f"task{task}.txt",
        )
        for task in range(sum(nodes))
    ]


def ends(processes: Iterable[Forked], within_s: float = 180) -> list[int]:
    """Return the exit statuses of all tasks; what still runs after `within_s` is killed, and -9."""
    until = time.monotonic() + within_s
    for process in processes:
        try:
            process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    return [process.wait(timeout=10) for process in processes]


def logs(folder: Path, tasks: int = 2) -> list[str]:
    """Return what each task has said."""
    return [(folder / f"task{task}.txt").read_text(encoding="utf-8") for task in range(tasks)]

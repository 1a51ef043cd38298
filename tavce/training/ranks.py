"""The processes that train together, one a device: how `srun` placed them, and what they agree on.

Inside a job step of several tasks (`srun --ntasks=8 … python -m tavce renderer …`) every task is a rank. A process of
its own is the only one: outside SLURM, and in a batch script without `srun`, whatever SLURM_NTASKS says there. What
follows costs it nothing. What ranks agree on goes over the CPU (gloo), so that no GPU waits for it.
"""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import torch
from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, distributed

from tavce.records import InputError

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)
PATIENCE = timedelta(hours=12)  # ranks wait while the first one validates, or writes; a dead one is noticed at once


class TaskEnvironment(SLURMEnvironment):
    """A job step as Fabric sees it: every task is a node of its own, with one device.

    So tasks need not lie evenly on nodes, and may see all GPUs of their node or only their own. Only variables of the
    step are read: those of the job (SLURM_NTASKS, SLURM_NTASKS_PER_NODE) may say something else inside it.
    """

    def __init__(self) -> None:
        """Check nothing: Fabric's own checks look at the variables of the job."""

    @property
    def main_address(self) -> str:
        """Where the first rank is: MASTER_ADDR, else the first node of the step."""
        return os.environ.get("MASTER_ADDR") or self.resolve_root_node_address(os.environ["SLURM_STEP_NODELIST"])

    @property
    def main_port(self) -> int:
        """Where the first rank listens: MASTER_PORT, else a port of this step of this job, 15000 … 24999."""
        number = int(os.environ["SLURM_JOB_ID"]) + 1000 * int(os.environ["SLURM_STEP_ID"])
        return int(os.environ.get("MASTER_PORT") or 15000 + number % 10000)

    def world_size(self) -> int:
        """Return the number of tasks."""
        return tasks()

    def node_rank(self) -> int:
        """Return the task's number in the step."""
        return int(os.environ["SLURM_PROCID"])

    def local_rank(self) -> int:
        """Return 0: a task is alone on what Fabric takes for its node."""
        return 0

    def validate_settings(self, num_devices: int, num_nodes: int) -> None:
        """Check nothing: `placement` gives both."""


def tasks() -> int:
    """Return the tasks of the job step that this process is one of; 1 outside a step."""
    return int(os.environ.get("SLURM_STEP_NUM_TASKS") or 1)


def placement() -> dict[str, Any]:
    """Return what Fabric must be told of devices and processes.

    Batch norm normalises by a rank's own batch (unless `training.sync_batchnorm`): the paper's batch is meant a device,
    and normalising over all ranks would make the result depend on their number. Running statistics are those of the
    first rank, which alone validates and saves; so buffers are not sent around.

    Raises:
        InputError: more tasks on this node than GPUs.
    """
    if tasks() == 1:
        return {"devices": 1, "plugins": [LightningEnvironment()]}
    return {
        "devices": _device(torch.cuda.device_count(), int(os.environ["SLURM_LOCALID"])),
        "num_nodes": tasks(),
        "strategy": DDPStrategy(forward_sync_buffers=False),
        "plugins": [TaskEnvironment()],
    }


def _device(visible: int, task: int) -> list[int] | int:
    """Return the GPU of the node's task number `task` that sees `visible` GPUs, or 1 (process) where there is none."""
    if visible < 2:
        return [0] if visible else 1  # one: SLURM gave every task its own (--gpus-per-task)
    if task >= visible:
        raise InputError(
            f"SLURM_LOCALID is {task}, but this node has {visible} GPUs for the job: "
            "start one task a GPU, with --ntasks-per-node no larger than --gpus-per-node"
        )
    return [task]


def alone() -> bool:
    """Return whether this process trains alone."""
    return not distributed.is_initialized() or distributed.get_world_size() == 1


def is_first() -> bool:
    """Return whether this is the rank that validates, writes files, and speaks."""
    return alone() or distributed.get_rank() == 0


def largest(number: Number) -> Number:
    """Return the largest of all ranks' numbers; no rank goes on before every rank came here."""
    if alone():
        return number
    numbers = torch.tensor([number])
    distributed.all_reduce(numbers, distributed.ReduceOp.MAX, group=_group())
    return numbers.item()


def means(numbers: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the means over ranks of numbers that every rank has under the same names."""
    values = torch.tensor([float(value) for value in numbers.values()], dtype=torch.float64)
    if not alone():
        distributed.all_reduce(values, group=_group())
        values /= distributed.get_world_size()
    return dict(zip(numbers, values.tolist(), strict=True))


def from_first(value: Value) -> Value:
    """Return the first rank's value, on every rank."""
    if alone():
        return value
    values = [value]
    distributed.broadcast_object_list(values, src=0, group=_group())
    return values[0]


def first_does(work: Callable[[], Value]) -> Value:
    """Let the first rank work while the others wait; return on every rank what it returned."""
    return from_first(work() if is_first() else None)


@lru_cache(maxsize=1)
def _group() -> distributed.ProcessGroup:
    return distributed.new_group(backend="gloo", timeout=PATIENCE)

"""Loader processes: which draws they are asked for, how many cores they take, and how their errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from threadpoolctl import threadpool_limits

from tavce.records import InputError


@dataclass(frozen=True)
class DrawRange(torch.utils.data.Sampler):
    """The draws of steps `start` … `stop` − 1: a rank takes its own share of each step, as one batch or as several."""

    start: int
    stop: int
    batch: int
    rank: int = 0
    ranks: int = 1
    parts: int = 1  # batches of a rank's share

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.stop):
            share = (step * self.ranks + self.rank) * self.parts
            for first in range(share * self.batch, (share + self.parts) * self.batch, self.batch):
                yield [*range(first, first + self.batch)]

    def __len__(self) -> int:
        return (self.stop - self.start) * self.parts


def single_threaded() -> None:
    """Let this loader process compute in one thread: as many as there are cores, in every process, are in each other's
    way. `Clips` does the same for OpenCV."""
    threadpool_limits(1)
    torch.set_num_threads(1)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Within: an InputError of a loader process says what it said there, without the traceback that torch puts before.

    Raises:
        InputError: such a one.
    """
    try:
        yield
    except InputError as error:
        said = str(error).rpartition(f"{InputError.__module__}.{InputError.__qualname__}: ")[2]
        raise InputError(said.rstrip()) from error

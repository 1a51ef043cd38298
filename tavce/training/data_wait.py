"""How long training steps wait for their data: a loader that is too slow leaves the GPU idle, and says so here."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tavce.training import ranks

Batch = TypeVar("Batch")


class DataWait:
    """Seconds of training steps, and of the waits for batches among them; validations and checkpoints are neither.

    The first step after a start is left out, with its wait: loader processes and the GPU only start then. A step on a
    GPU ends, up to the optimiser's own part, when its gradients are known to be finite.
    """

    def __init__(self, waited_s: float = 0.0, spent_s: float = 0.0):
        self._waited_s = waited_s
        self._spent_s = spent_s  # waits and steps
        self._before_epoch = (waited_s, spent_s)
        self._asked_s = self._got_s = 0.0
        self._counts = False

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the batches, and note when each was asked for and when it came."""
        source = iter(batches)
        while True:
            self._asked_s = time.perf_counter()
            try:
                batch = next(source)
            except StopIteration:
                return
            self._got_s = time.perf_counter()
            yield batch

    def step_taken(self) -> None:
        """Note that the step which the last batch was for has been taken."""
        if self._counts:
            self._waited_s += self._got_s - self._asked_s
            self._spent_s += time.perf_counter() - self._asked_s
        self._counts = True

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds waited, and spent on waits and steps: what another `DataWait` goes on from."""
        return self._waited_s, self._spent_s

    def share(self) -> float | None:
        """Return the share of the run's steps that was waiting, 0 … 1, on the rank that waited most; None before any.

        Every rank must ask.
        """
        return _share(*self.seconds)

    def epoch(self) -> str:
        """Return `share` in words, of the steps since this was last asked for."""
        waited_s, spent_s = self._before_epoch
        self._before_epoch = self.seconds
        share = _share(self._waited_s - waited_s, self._spent_s - spent_s)
        return "too short to say how long it waited for data" if share is None else f"waited for data {share:.1%}"


def _share(waited_s: float, spent_s: float) -> float | None:
    return round(ranks.largest(waited_s / spent_s), 4) if spent_s else None

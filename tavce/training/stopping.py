"""Signals that ask a training run for a checkpoint and a clean end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tavce.loading import single_threaded

SIGNALS = (signal.SIGUSR1, signal.SIGTERM)  # a cluster's warning before a limit, and the end of a job


class StopSignal:
    """The signal that this process was told to stop with: 0 before one came, the larger (SIGTERM) of several."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Within: a stop signal is noted, and does nothing else; afterwards signals mean what they meant before."""

        def note(number: int, _frame: object) -> None:
            self.number = max(self.number, number)

        before = {number: signal.signal(number, note) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def ignore_in_worker(_worker: int) -> None:
    """Leave stop signals to the process that trains, and other cores to other processes.

    SLURM sends its signals to loader processes, too.
    """
    single_threaded()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)

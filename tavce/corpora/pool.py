"""The same work on many chunks by several processes, results in the order of the chunks, few of them at a time."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")
MOST_PROCESSES = 8  # beyond which the process that collects is the slowest
AHEAD = 3  # chunks for each process that are under way or wait to be collected


def in_order(work: Callable[[Chunk], Result], chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Result]]:
    """Yield every chunk with `work(chunk)`; what that raises is raised here.

    The processes are started afresh: a fork would count the caller's memory again.
    """
    processes = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    waiting: deque[tuple[Chunk, Future[Result]]] = deque()
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_depend) as pool:
        try:
            for chunk in chunks:
                waiting.append((chunk, pool.submit(work, chunk)))
                if len(waiting) >= AHEAD * processes:
                    yield _collect(waiting)
            while waiting:
                yield _collect(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _collect(waiting: deque[tuple[Chunk, Future[Result]]]) -> tuple[Chunk, Result]:
    chunk, future = waiting.popleft()
    return chunk, future.result()


def _depend() -> None:
    """Let Ctrl-C end the process that collects, which then ends this one; and end with it where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

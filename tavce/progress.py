"""Progress a person can follow: a bar on a terminal, a line now and then in a log file."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)
Item = TypeVar("Item")
LINE_EVERY_S = 20.0


def progress(items: Iterable[Item], label: str, total: int | None = None, start: int = 0) -> Iterator[Item]:
    """Yield the items, and say how many of `total` are done (`start` of them before this call)."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        yield from tqdm(items, desc=label, total=total, initial=start, dynamic_ncols=True)
        return
    began = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= LINE_EVERY_S:
            last = now
            left_s = (total - start - done) * (now - began) / done if total else float("nan")
            log.info("%s: %d of %s, about %.0f s left", label, start + done, total, left_s)

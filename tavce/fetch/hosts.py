"""How often a host is asked, by all jobs together, and when it is left alone.

Files   store/hosts/{host}.json: when it may be asked next, until when it is closed, and how often in a row. A job holds
        the file's lock (flock) for as long as it reads and writes it; one that is killed lets go of it.
Rule    A start takes the next free time, `per_host_s` behind the one before. Where a host limits requests, it is closed
        for `closed_s` (or for as long as it asks for): every job waits, then asks again. After `closings` of them in a
        row, what is left in a job is not asked for. A video that comes, or a quiet time, ends the row.
"""

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tavce.config.data import Download
from tavce.fetch.errors import FetchError
from tavce.records import Reason

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 5.0  # another job may have closed or opened a host
YOUTUBE = "youtube.com"
SAME_HOST = {"youtu.be": YOUTUBE, "youtube-nocookie.com": YOUTUBE}


def host_of(url: str) -> str:
    """Return the host that a url asks; YouTube's names are one."""
    name = (urlsplit(url).hostname or "").removeprefix("www.").removeprefix("m.")
    return SAME_HOST.get(name, name)


@dataclass
class State:
    """What is known of a host; times in seconds since 1970."""

    next: float = 0.0
    closed_at: float = 0.0
    closed_until: float = 0.0
    closings: int = 0  # in a row


class Hosts:
    """The hosts that this job asks; threads may share it."""

    def __init__(self, folder: str | Path, settings: Download, stopped: threading.Event):
        self._folder = Path(folder)
        self._settings = settings
        self._stopped = stopped

    def take_turn(self, host: str) -> float:
        """Wait until the host may be asked, and return when that is.

        Raises:
            FetchError: `rate_limited` where the host is given up: it is not to be asked in this run.
        """
        at = self._change(host, self._next_free)
        while not self._stopped.is_set():
            state, now = self._read(host), time.time()
            if state.closings > self._settings.closings and state.closed_until > now:
                raise FetchError(Reason.RATE_LIMITED, f"{host} limits requests: not asked for")
            if at < state.closed_until and now < state.closed_until:
                at = self._change(host, self._next_free)  # it was closed after this turn was given
            elif at <= now:
                break
            else:
                self._stopped.wait(min(at - now, LOOK_AGAIN_S))
        return time.time()

    def close(self, host: str, asked_at: float, retry_after_s: float) -> None:
        """Leave a host alone that limited a request of `asked_at`; one that was closed since is closed already."""

        def closed(state: State) -> None:
            now = time.time()
            if asked_at <= state.closed_at:
                return
            quiet = now > state.closed_until + max(self._settings.closed_s, LOOK_AGAIN_S)
            state.closings = 1 if quiet else state.closings + 1
            state.closed_at = now
            state.closed_until = now + max(self._settings.closed_s, retry_after_s)
            state.next = state.closed_until
            log.warning(
                "%s limits requests: left alone for %.0f s, %d of %d times",
                host,
                state.closed_until - now,
                state.closings,
                self._settings.closings,
            )

        self._change(host, closed)

    def welcome(self, host: str) -> None:
        """Note that a host gave a video."""
        if self._read(host).closings:
            self._change(host, lambda state: setattr(state, "closings", 0))

    def _next_free(self, state: State) -> float:
        at = max(time.time(), state.next, state.closed_until)
        state.next = at + self._settings.per_host_s
        return at

    def _read(self, host: str) -> State:
        with self._open(host) as (_file, state):
            return state

    def _change(self, host: str, change: Callable[[State], Any]) -> Any:
        with self._open(host) as (file, state):
            value = change(state)
            text = json.dumps(asdict(state)).encode()
            os.ftruncate(file, os.pwrite(file, text, 0))
            return value

    @contextmanager
    def _open(self, host: str) -> Iterator[tuple[int, State]]:
        """Yield a host's file, locked, and what it says; a file that was torn says nothing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._folder / f"{quote(host, safe='')}.json", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                state = State(**json.loads(os.pread(file, 4096, 0)))
            except (ValueError, TypeError):
                state = State()
            yield file, state
        finally:
            os.close(file)

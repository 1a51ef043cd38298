"""Room on the disk for downloads: what is kept free, and how long more is waited for."""

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tavce.config.data import Download
from tavce.fetch.errors import FetchError
from tavce.records import Reason

log = logging.getLogger(__name__)
GB = 10**9
LOOK_AGAIN_S = 10.0


def free_bytes(folder: Path) -> int:
    """Return what a user may still write to the disk of a folder, which need not be there yet."""
    return shutil.disk_usage(next(place for place in (folder, *folder.absolute().parents) if place.is_dir())).free


class Space:
    """The disk that downloads go to; threads may share it."""

    def __init__(
        self, folder: Path, settings: Download, stopped: threading.Event, free: Callable[[Path], int] = free_bytes
    ):
        self._folder = folder
        self._settings = settings
        self._stopped = stopped
        self._free = free
        self._lock = threading.Lock()
        self._short_since: float | None = None

    def wait(self, expected_bytes: int = 0) -> None:
        """Wait until there is room for a video of this size beside the reserve.

        Raises:
            FetchError: `disk_full` after `space_wait_s` without; from then on at once, for as long as there is none.
        """
        while not self._stopped.is_set():
            free = self._free(self._folder)
            if free >= self._settings.reserve_gb * GB + expected_bytes:
                self._short_since = None
                return
            short_s = self._short(free)
            if short_s >= self._settings.space_wait_s:
                raise FetchError(
                    Reason.DISK_FULL,
                    f"{self._folder} has {free / GB:.1f} GB left, and download.reserve_gb is "
                    f"{self._settings.reserve_gb:g}: make room, then run again",
                )
            self._stopped.wait(min(LOOK_AGAIN_S, self._settings.space_wait_s - short_s))

    def _short(self, free: int) -> float:
        """Return for how many seconds there was no room; say so when that begins."""
        with self._lock:
            if self._short_since is None:
                self._short_since = time.monotonic()
                log.warning(
                    "%s has %.1f GB left and download.reserve_gb is %g: downloads wait for room, for %g s at most",
                    self._folder,
                    free / GB,
                    self._settings.reserve_gb,
                    self._settings.space_wait_s,
                )
            return time.monotonic() - self._short_since

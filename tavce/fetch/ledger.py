"""The journal of a shard's downloads: one JSON line for every video that was asked for, and for what came of it.

Form    store/ledger/{dataset}/{shard}.jsonl, only ever added to; Snakemake does not know it, so no run removes it
Safety  A line is one write to the end of the file, made when it is true. A process that is killed leaves whole lines,
        and one torn at most: the next line starts on a line of its own, and what cannot be read is left aside. A line
        that a power cut takes with it costs one request.
"""

import errno
import logging
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tavce.records import Reason

log = logging.getLogger(__name__)


class Entry(BaseModel):
    """One line.

    `started` says which format is being fetched; `fetched` that it is whole; `found` that a file without a line of
    its own lay in store/raw; `lost` that there is none, and why.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    video_id: str
    url: str  # as the sheet has it
    event: Literal["started", "fetched", "found", "lost"]
    at: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")  # of a file that was found: the file's own time
    reason: Reason | None = None
    detail: str = ""
    attempts: int = 0  # times it was asked for in this run; 0 = not at all
    host: str = ""
    bytes: int | None = None
    height_px: int | None = None
    format: str | None = None  # yt-dlp's format id
    yt_dlp: str | None = None  # yt-dlp's version

    @property
    def time(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.at)


def now() -> str:
    """Return the time as an entry has it."""
    return stamp(datetime.now(UTC).timestamp())


def stamp(seconds: float) -> str:
    """Return a time, in seconds since 1970, as an entry has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(path: str | Path) -> list[Entry]:
    """Return the entries of a journal, in the order they were written; a journal that is not there has none."""
    entries = []
    try:
        text = Path(path).read_bytes()
    except FileNotFoundError:
        return entries
    for number, line in enumerate(text.split(b"\n"), 1):
        try:
            entries += [Entry.model_validate_json(line)] if line else []
        except ValidationError:
            log.warning("%s: line %d cannot be read and is left aside", path, number)
    return entries


def outcomes(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return what became of every video in the end."""
    return {entry.video_id: entry for entry in entries if entry.event != "started"}


class Ledger:
    """A shard's journal, open for reading what was and for adding what is; threads may share it."""

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._lock = threading.Lock()
        self._file: int | None = None
        self._torn = False  # the last line is not whole: the disk was full
        entries = read(path)
        self._outcomes = outcomes(entries)
        self._started = {entry.video_id: entry for entry in entries if entry.event == "started"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def outcome(self, video_id: str) -> Entry | None:
        """Return what became of a video when it was last looked for."""
        return self._outcomes.get(video_id)

    def started(self, video_id: str) -> Entry | None:
        """Return what was last begun to be fetched of a video."""
        return self._started.get(video_id)

    def add(self, entry: Entry) -> Entry:
        """Write an entry to the journal's end, and return it.

        Raises:
            OSError: the disk takes no more.
        """
        line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
        with self._lock:
            if self._file is None:
                self._file = self._open()
            line = b"\n" + line if self._torn else line
            self._torn = True
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            self._torn = False
            (self._started if entry.event == "started" else self._outcomes)[entry.video_id] = entry
        return entry

    def _open(self) -> int:
        """Open the journal behind its last whole line."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")
        return file

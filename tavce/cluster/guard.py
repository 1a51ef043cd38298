"""One Snakemake a folder: who works here, and what became of the one before.

Snakemake's own lock has no name on it, and is taken after the sheets are written. This note has one.
"""

import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from tavce.files import read_json, write_json

NOTE = Path(".snakemake/tavce-run.json")


@dataclass(frozen=True)
class Runner:
    """A Snakemake that works in a folder, or did."""

    host: str
    pid: int
    created: float  # seconds since 1970; tells a process number that is used again apart

    @classmethod
    def me(cls) -> Self:
        """Return this process."""
        return cls(socket.gethostname(), os.getpid(), psutil.Process().create_time())

    @classmethod
    def noted(cls) -> Self | None:
        """Return who noted that it works here, None where nobody did."""
        return cls(**read_json(NOTE)) if NOTE.is_file() else None

    @property
    def alive(self) -> bool | None:
        """Whether it still runs; None where this machine cannot tell, because it is another."""
        if self.host != socket.gethostname():
            return None
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {time.strftime('%F %T', time.localtime(self.created))}"


def other() -> str | None:
    """Return in words which other Snakemake works in this folder, or may; None where none does."""
    runner = Runner.noted()
    if runner is None or runner == Runner.me() or runner.alive is False:
        return None
    if runner.alive:
        return (
            f"another Snakemake works in this folder ({runner}): no job is started beside it, and the sheets stay as"
            f" they are. Wait for it, or stop it and its jobs with `kill -INT {runner.pid}`; do not --unlock."
        )
    return (
        f"another Snakemake may work in this folder ({runner}), and this is {socket.gethostname()}: no job is started"
        f" beside it. Look there; if it is gone, remove {NOTE}, add --unlock once, and start again."
    )


def killed() -> str | None:
    """Return in words that the Snakemake before this one was killed; None where it was not."""
    runner = Runner.noted()
    if runner is None or runner.alive is not False:
        return None
    return (
        f"the Snakemake before ({runner}) was killed. Whole files are kept, and half ones made again."
        " If the folder is still locked, add --unlock once."
    )


def enter() -> str | None:
    """Note that this process works here; where another does, return that in words and note nothing."""
    busy = other()
    if busy is None:
        write_json(NOTE, asdict(Runner.me()))
    return busy


def leave() -> None:
    """Take this process' note away."""
    if Runner.noted() == Runner.me():
        NOTE.unlink(missing_ok=True)

"""What SLURM says of jobs, and what that means for Snakemake. Nothing here starts a process."""

from collections.abc import Iterable, Mapping
from enum import Enum

FAILED = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "OUT_OF_MEMORY", "REVOKED", "TIMEOUT"}
MAY_COME_BACK = {"NODE_FAIL", "PREEMPTED"}  # queued again by SLURM, or over: the controller knows which
ENDED = FAILED | MAY_COME_BACK | {"COMPLETED"}
FORGOTTEN_AFTER_S = 600  # a job that neither accounting nor the controller knows for so long is over


class Fate(Enum):
    """What became of a job."""

    WAITS = "still waits or runs"
    SUCCEEDED = "ended well"
    FAILED = "ended badly"


def parse(listing: str) -> dict[str, str]:
    """Return job → state from lines `job|state`; `CANCELLED by 1000` and the like lose what follows the state."""
    states = {}
    for line in listing.splitlines():
        job, _, state = line.strip().partition("|")
        if job.isdigit() and state:
            states[job] = state.split()[0].rstrip("+")
    return states


def fate(state: str | None, controller: str | None, answered: bool = True) -> Fate:
    """Return what became of a job.

    Args:
        state: of the accounting, or of the controller where the accounting does not answer; None = not listed.
        controller: what the controller says now; None = it does not know the job.
        answered: whether the controller was asked and answered.
    """
    if controller is not None and controller not in ENDED:
        return Fate.WAITS
    if state in MAY_COME_BACK and not answered:
        return Fate.WAITS
    if state == "COMPLETED":
        return Fate.SUCCEEDED
    return Fate.FAILED if state in FAILED | MAY_COME_BACK else Fate.WAITS


def earlier_jobs(listing: str, prefix: str, run: str) -> list[str]:
    """Return the numbers of jobs, from lines `job|name`, that an earlier run of the folder `prefix` has left."""
    pairs = (line.strip().split("|", 1) for line in listing.splitlines() if "|" in line)
    return [job for job, name in pairs if name.startswith(prefix) and name != run]


class Watch:
    """Remembers since when nobody has known a job."""

    def __init__(self) -> None:
        self._missing_since: dict[str, float] = {}

    def forgotten(self, jobs: Iterable[str], states: Mapping[str, str], now_s: float) -> set[str]:
        """Return the jobs that are in no listing since `FORGOTTEN_AFTER_S`; call it with each full listing."""
        lost = {job for job in jobs if job not in states}
        self._missing_since = {job: self._missing_since.get(job, now_s) for job in lost}
        return {job for job, since in self._missing_since.items() if now_s - since >= FORGOTTEN_AFTER_S}

"""Whether a video that could not be fetched is asked for again."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tavce.fetch.ledger import Entry
from tavce.records import RETRY_REASON, InputError, Reason

GONE = frozenset((Reason.UNAVAILABLE, Reason.PRIVATE, Reason.REMOVED, Reason.GEO_BLOCKED, Reason.AGE_GATED))
DAY_S = 24 * 3600


def retry_reasons(said: Iterable[str]) -> frozenset[Reason]:
    """Return the reasons for which alone lost videos are asked for again: those said here, else the environment's.

    Args:
        said: reasons, or several with commas between.

    Raises:
        InputError: there is no such reason.
    """
    words = [word.strip() for part in list(said) or [os.environ.get(RETRY_REASON, "")] for word in part.split(",")]
    unknown = {word for word in words if word} - {*Reason}
    if unknown:
        raise InputError(f"--retry-reason {', '.join(sorted(unknown))}: the reasons are {', '.join(Reason)}")
    return frozenset(Reason(word) for word in words if word)


@dataclass(frozen=True)
class Verdicts:
    """The rule: what is gone stays so for some days, everything else may have changed; `only` narrows it down."""

    recheck_days: float
    only: frozenset[Reason] = frozenset()

    def stands(self, entry: Entry | None, url: str) -> bool:
        """Return whether what became of a video stands as it is, so that it is not asked for."""
        if entry is None or entry.reason is None or entry.url != url:
            return False
        if self.only:
            return entry.reason not in self.only
        age_s = (datetime.now(UTC) - entry.time).total_seconds()
        return entry.reason in GONE and age_s < self.recheck_days * DAY_S

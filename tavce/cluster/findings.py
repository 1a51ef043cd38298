"""One line of a check: what fits, what does not, and what is worth knowing."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How much a finding matters."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "BAD"


@dataclass(frozen=True)
class Finding:
    """What was found, and, where it matters, the remedy."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind:<5}{self.text}"


def good(text: str) -> Finding:
    """Return something that fits."""
    return Finding(Kind.GOOD, text)


def note(text: str) -> Finding:
    """Return something that works, but is worth knowing."""
    return Finding(Kind.NOTE, text)


def bad(text: str) -> Finding:
    """Return something that jobs would fail at."""
    return Finding(Kind.BAD, text)

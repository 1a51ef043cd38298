"""What a corpus' module is given to read: `rows(source)` yields the corpus' clips, unusable ones with their reason."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from tavce.config.corpora import Corpus

C = TypeVar("C", bound=Corpus)


@dataclass(frozen=True)
class Source(Generic[C]):
    """One corpus of the settings."""

    dataset: str  # its name there
    corpus: C
    rate_hz: int  # of the frames that rows count

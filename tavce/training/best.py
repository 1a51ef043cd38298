"""The best validation so far, and how long ago it was: for longer than the run has patience, and it ends early."""

from dataclasses import dataclass


@dataclass
class Best:
    """The lowest score of all validations, and how many came after it that were not lower."""

    patience: int | None  # None: for ever
    score: float | None = None
    since: int = 0  # validations

    def improves(self, score: float) -> bool:
        """Take in the score of one more validation; return whether it is the best."""
        if self.score is None or score < self.score:
            self.score, self.since = score, 0
            return True
        self.since += 1
        return False

    @property
    def is_final(self) -> bool:
        """Whether patience is at its end, so that no better one is waited for."""
        return self.patience is not None and self.since >= self.patience

"""The numbers behind a cell: a metric of a method, by seed and clip.

Every seed counts once, by its own mean over clips: clips of one seed are no independent trials of the training. A seed
with fewer clips than a cell needs does not count.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tavce.measure.metrics import Metric
from tavce.measure.rows import ScoreRow

Numbers = Mapping[str, float]  # clip_id → number
NO_REASON = "no reason was told"


@dataclass(frozen=True)
class Values:
    """A metric of a method.

    by_seed: the clips that have a number, by seed; lost: how many each seed has without; missing: why they have none,
    counted over all seeds; fewest: clips that a seed needs, to count.
    """

    by_seed: tuple[Numbers, ...]
    lost: tuple[int, ...]
    missing: Mapping[str, int]
    fewest: int

    @cached_property
    def counted(self) -> tuple[Numbers, ...]:
        """The seeds that count."""
        return tuple(numbers for numbers in self.by_seed if len(numbers) >= self.fewest)

    @cached_property
    def seed_values(self) -> tuple[float | None, ...]:
        """The mean over clips of every seed; None where the seed does not count."""
        return tuple(
            math.fsum(numbers.values()) / len(numbers) if len(numbers) >= self.fewest else None
            for numbers in self.by_seed
        )

    @property
    def seed_n(self) -> tuple[int, ...]:
        """How many clips have a number, by seed."""
        return tuple(map(len, self.by_seed))

    @property
    def n(self) -> int:
        """The clips with a number: of a seed that counts, the fewest; where none does, the most."""
        return min(map(len, self.counted)) if self.counted else max(self.seed_n, default=0)

    @property
    def dropped(self) -> int:
        """The clips without a number, of the seed that has most of them."""
        return max(self.lost, default=0)

    @cached_property
    def per_clip(self) -> Numbers:
        """The mean of every clip over the counted seeds that have it."""
        if len(self.counted) == 1:
            return self.counted[0]
        every: dict[str, list[float]] = {}
        for numbers in self.counted:
            for clip, number in numbers.items():
                every.setdefault(clip, []).append(number)
        return {clip: math.fsum(numbers) / len(numbers) for clip, numbers in every.items()}

    @property
    def why_no_value(self) -> str | None:
        """Why no seed counts; None where one does."""
        if self.counted:
            return None
        if not any((*self.lost, *self.seed_n)):
            return "no clip was scored"
        if not self.n:
            return f"no clip has a number: {first_reason(self.missing)}"
        return f"{clips_in_words(self.n)} a number, tables.min_clips is {self.fewest}"


def values_of(metric: Metric, seeds: Sequence[Sequence[ScoreRow]], fewest: int) -> Values:
    """Return a metric's numbers in the rows of every seed; of a metric of magnitude, their absolute values.

    No clip has a number of a pooled metric; lost are those with a reason.
    """
    by_seed: list[dict[str, float]] = []
    missing: list[Counter[str]] = []
    for rows in seeds:
        by_seed.append({})
        missing.append(Counter())
        for row in rows:
            number = row.metrics.get(metric.name)
            if number is not None:
                by_seed[-1][row.clip_id] = abs(number) if metric.magnitude else number
            elif metric.name in row.reasons or not metric.pooled:
                missing[-1][row.reasons.get(metric.name, NO_REASON)] += 1
    every = sum(missing, Counter())
    return Values(tuple(by_seed), tuple(map(Counter.total, missing)), dict(every.most_common()), fewest)


def first_reason(missing: Mapping[str, int]) -> str:
    """Return the reason that most clips have, and how many others there are."""
    reasons = sorted(missing, key=lambda reason: (-missing[reason], reason))
    more = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
    return f"{reasons[0] if reasons else NO_REASON}{more}"


def clips_in_words(n: int) -> str:
    """Return `1 clip has` or `2 clips have`."""
    return "1 clip has" if n == 1 else f"{n} clips have"

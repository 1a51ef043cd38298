"""Cells of the tables: the mean over the seeds that a method was trained with, and their spread.

Every seed counts once, by its own mean over clips: clips of one seed are no independent trials of the training.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tavce.config.variants import method_of, seed_of
from tavce.measure.metrics import Metric
from tavce.measure.rows import Mean

SPREAD = (
    "Of a method trained with several seeds: mean over the seeds of each seed's mean, ± the standard deviation over "
    "the seeds (divided by seeds − 1), and n is clips × seeds; ×2 of 3: one of three seeds has no number"
)


@dataclass(frozen=True)
class Cell:
    """A metric of a method: the mean over clips of each seed, in the seeds' order; a method of no seeds has one."""

    seeds: tuple[Mean, ...]

    @property
    def counted(self) -> list[Mean]:
        """The seeds that have a number."""
        return [mean for mean in self.seeds if mean.value is not None]

    @property
    def value(self) -> float | None:
        """The mean of the seeds' means; None where no seed has one."""
        values = [mean.value for mean in self.counted]
        return math.fsum(values) / len(values) if values else None

    @property
    def sd(self) -> float | None:
        """The sample standard deviation of the seeds' means; None below two of them."""
        values = [mean.value for mean in self.counted]
        if len(values) < 2:
            return None
        return math.sqrt(math.fsum((value - self.value) ** 2 for value in values) / (len(values) - 1))

    @property
    def clips(self) -> list[int]:
        """How many clips have a number, by seed."""
        return [mean.n for mean in self.seeds]

    @property
    def n(self) -> int:
        """The clips with a number: of a seed that has one, the fewest."""
        return min((mean.n for mean in self.counted), default=0)


def in_words(metric: Metric, value: float | None, sd: float | None, clips: Sequence[int]) -> str:
    """Return a cell as people read it: 31.33 (n=3), or of seeds 0.441 ± 0.021 (n=6×3).

    Args:
        metric: how many digits there are.
        value: the mean.
        sd: the standard deviation over the seeds, None where there is none.
        clips: the clips with a number, by seed.
    """
    if value is None:
        return "-"
    spread = "" if sd is None else f" ± {sd:.{metric.digits}f}"
    return f"{value:.{metric.digits}f}{spread} (n={_counts(clips)})"


def label_of(run: str, labels: dict[str, str]) -> str:
    """Return what a run is called: its method's label, and the seed that its name has."""
    seed = seed_of(run)
    return labels[method_of(run)] + (f", seed {seed}" if seed else "")


def _counts(clips: Sequence[int]) -> str:
    counted = [n for n in clips if n]
    fewest, most = min(counted), max(counted)
    each = str(fewest) if fewest == most else f"{fewest}–{most}"
    if len(clips) == 1:
        return each
    return f"{each}×{len(counted)}" + ("" if len(counted) == len(clips) else f" of {len(clips)}")

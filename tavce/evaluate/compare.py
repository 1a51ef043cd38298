"""How sure a cell is, and whether two methods differ: intervals and tests over speakers.

Tests are paired: on the clips that both methods have, by the mean over seeds of every clip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tavce.config.evaluation import Tables
from tavce.evaluate.statistics import Interval, cluster_interval, holm, paired_test
from tavce.evaluate.table import Against
from tavce.evaluate.values import Numbers, clips_in_words


@dataclass(frozen=True)
class Comparer:
    """Knows every clip's speaker, and how much is needed for an interval or a test."""

    ask: Tables
    speakers: Mapping[str, str]  # clip_id → speaker

    def clusters(self, clips: Sequence[str]) -> np.ndarray:
        """Return the speakers of the clips, [n] of str."""
        return np.array([self.speakers[clip] for clip in clips], dtype=str)

    def too_few(self, speakers: int) -> str | None:
        """Return why so few speakers make no interval and no test; None where they are enough."""
        if speakers >= self.ask.min_speakers:
            return None
        return f"{speakers} speaker{'s' * (speakers != 1)}, tables.min_speakers is {self.ask.min_speakers}"

    def interval(self, numbers: Numbers) -> Interval | str:
        """Return the interval of the mean over clips; or why there is none."""
        clusters = self.clusters([*numbers])
        if why := self.too_few(len({*clusters})):
            return why
        values = np.array([*numbers.values()], dtype=np.float64)
        found = cluster_interval(values, clusters, self.ask.draws, self.ask.alpha, self.ask.seed)
        return found.why_no_interval or found

    def test(self, numbers: Numbers, others: Numbers) -> Against:
        """Return the first method less the second, on the clips that both have; `p_holm` is left open."""
        both = [clip for clip in numbers if clip in others]
        clusters = self.clusters(both)
        speakers = len({*clusters})
        why = self.too_few(speakers)
        if len(both) < self.ask.min_clips:
            why = f"{clips_in_words(len(both))} both numbers, tables.min_clips is {self.ask.min_clips}"
        if why:
            return Against(pairs=len(both), speakers=speakers, why=why)
        differences = np.array([numbers[clip] - others[clip] for clip in both], dtype=np.float64)
        found = paired_test(differences, clusters, self.ask.draws, self.ask.alpha, self.ask.seed)
        return Against(
            difference=float(found.difference),
            low=found.low,
            high=found.high,
            pairs=len(both),
            speakers=speakers,
            p=float(found.p),
        )


def corrected(tests: Mapping[str, Against | None]) -> dict[str, Against | None]:
    """Return the tests of a column with their p-values corrected by Holm for one another."""
    made = [method for method, test in tests.items() if test is not None and test.p is not None]
    adjusted = dict(zip(made, holm([tests[method].p for method in made]), strict=True))
    return {
        method: test.model_copy(update={"p_holm": float(adjusted[method])}) if method in adjusted else test
        for method, test in tests.items()
    }

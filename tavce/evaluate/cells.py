"""From rows of scores to the cells of a column: value, interval, test against the baseline, mark.

A value is the mean over the seeds of each seed's mean over clips; the interval and the tests are over speakers, on the
mean over seeds of every clip. What the settings `tables` ask for and is not there leaves a reason in place of a number.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from tavce.evaluate.compare import Comparer, corrected
from tavce.evaluate.pooled import Frechet, pooled_cell
from tavce.evaluate.seeds import mean_and_sd
from tavce.evaluate.statistics import holm, marks
from tavce.evaluate.table import Against, Cell, Mark
from tavce.evaluate.values import Values, values_of
from tavce.measure.metrics import Metric
from tavce.measure.rows import ScoreRow

GROUND_TRUTH = "ground_truth"  # is compared with others, and never marked as best
Runs = Mapping[str, Sequence[ScoreRow]]  # run → its rows; one run a seed


@dataclass(frozen=True)
class MetricColumn:
    """One metric of every method: what the tables of a dataset share of it, so that nothing is computed twice."""

    metric: Metric
    methods: Mapping[str, Runs]
    baseline: str
    comparer: Comparer
    features: Mapping[str, str]  # run → file of features for pooled metrics
    tests: dict[tuple[str, str], Against] = field(default_factory=dict)  # those made so far

    def cells(self, chosen: Collection[str]) -> dict[str, Cell]:
        """Return the cells of the chosen methods as those of one table: tests corrected and best marked among them."""
        tests = corrected({method: self._against_baseline(method) for method in chosen})
        marked = self._marks([method for method in chosen if method != GROUND_TRUTH])
        return {
            method: self._alone[method].model_copy(
                update={"against_baseline": tests[method], "mark": marked.get(method)}
            )
            for method in chosen
        }

    @cached_property
    def _values(self) -> dict[str, Values]:
        fewest = self.comparer.ask.min_clips
        return {method: values_of(self.metric, [*runs.values()], fewest) for method, runs in self.methods.items()}

    @cached_property
    def _alone(self) -> dict[str, Cell]:
        if not self.metric.pooled:
            return {method: measured_cell(values, self.comparer) for method, values in self._values.items()}
        frechet = Frechet(self.metric.name, self.comparer.ask, self.features)
        return {method: pooled_cell(frechet, [*runs], self._values[method]) for method, runs in self.methods.items()}

    @property
    def _is_tested(self) -> bool:
        return not self.metric.pooled and self.metric.better != "none"

    def _against_baseline(self, method: str) -> Against | None:
        return self._test(method, self.baseline) if self._is_tested and method != self.baseline else None

    def _test(self, method: str, other: str) -> Against:
        if (method, other) not in self.tests:
            one, two = self._values[method], self._values[other]
            why = one.why_no_value or (f"of {other}: {two.why_no_value}" if two.why_no_value else None)
            self.tests[method, other] = Against(why=why) if why else self.comparer.test(one.per_clip, two.per_clip)
        return self.tests[method, other]

    def _marks(self, candidates: Sequence[str]) -> dict[str, Mark]:
        """Return the marks, from the tests of all pairs, corrected for one another."""
        if not self._is_tested:
            return {}
        values = {name: cell.value for name in candidates if (cell := self._alone[name]).value is not None}
        ordered = sorted(values, key=lambda method: method == self.baseline)  # last: its tests are those of the cells
        tests = {frozenset(pair): self._test(*pair) for pair in combinations(ordered, 2)}
        made = {pair: test.p for pair, test in tests.items() if test.p is not None}
        adjusted = dict(zip(made, holm([*made.values()]), strict=True))
        return marks(values, self.metric.better, adjusted, self.comparer.ask.alpha)


def measured_cell(values: Values, comparer: Comparer) -> Cell:
    """Return the cell of a metric that every clip has for itself, without its test."""
    value, sd = mean_and_sd(values.seed_values)
    cell = Cell(
        value=value,
        sd_seeds=sd,
        seed_values=values.seed_values,
        n=values.n,
        seed_n=values.seed_n,
        speakers=len({comparer.speakers[clip] for numbers in values.by_seed for clip in numbers}),
        dropped=values.dropped,
        missing=values.missing,
        why_no_value=values.why_no_value,
        why_no_interval=values.why_no_value,
    )
    if value is None:
        return cell
    found = comparer.interval(values.per_clip)
    if isinstance(found, str):
        return cell.model_copy(update={"why_no_interval": found})
    return cell.model_copy(update={"low": found.low, "high": found.high})

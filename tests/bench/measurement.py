"""What is measured, how it is timed, and how it is written: one JSON object a line."""

import json
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One figure; at most one of the goals is set."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def goal(self) -> str | None:
        """The goal in words; None where there is none."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return None if self.at_most is None else f"<= {self.at_most:g}"

    @property
    def reached(self) -> bool:
        """Whether the value is within the goal; without one it is."""
        lowest = float("-inf") if self.at_least is None else self.at_least
        highest = float("inf") if self.at_most is None else self.at_most
        return lowest <= self.value <= highest

    def line(self) -> str:
        """Return the measurement as JSON: name, value, unit, goal (null = none) and, with a goal, `ok`."""
        shown: dict[str, object] = {"name": self.name, "value": float(f"{self.value:.4g}"), "unit": self.unit}
        verdict = {} if self.goal is None else {"ok": self.reached}
        return json.dumps({**shown, "goal": self.goal, **verdict})


def core_seconds() -> float:
    """Return the processor time of this process and its ended children: seconds of one busy core."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return how long `work` takes on a clock."""
    began = clock()
    work()
    return clock() - began


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median of the ratios of figures that were measured side by side."""
    return statistics.median(one / other for one, other in zip(numerators, denominators, strict=True))

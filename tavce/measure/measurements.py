"""A clip's measurements: each a number, or the reason why there is none, which never counts as a number."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


class MeasurementError(Exception):
    """A measurement that has no value; the message is the reason."""


@dataclass
class Measurements:
    """Collects a clip's numbers, the reasons of those that could not be had, and what is drawn or pooled of it."""

    metrics: dict[str, int | float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    curves: dict[str, np.ndarray] = field(default_factory=dict)  # float32 [T], or [4] of `mouth`, for the players
    features: dict[str, np.ndarray] = field(default_factory=dict)  # float32 [n, D], for pooled metrics

    def take(self, name: str, measure: Callable[[], float]) -> None:
        """Store what `measure` returns, or the reason why it has no finite value."""
        self.metrics[name] = None
        try:
            value = measure()
        except MeasurementError as error:
            self.reasons[name] = str(error)
            return
        if math.isfinite(value):
            self.metrics[name] = value
        else:
            self.reasons[name] = f"the value is {value}"

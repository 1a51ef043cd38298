"""What the tables report: every metric's definition, one row of scores a clip, and means that keep their count.

A measurement that fails is null with a reason; it never counts as a number.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tavce.config.variants import method_of
from tavce.records import InputError, Split

ARROWS = {"higher": "↑", "lower": "↓", "none": ""}


class MeasurementError(Exception):
    """A measurement that has no value; the message is the reason."""


@dataclass(frozen=True)
class Metric:
    """A column of the tables. `magnitude`: the mean is over absolute values, so that signs cannot cancel."""

    name: str
    heading: str
    unit: str
    better: Literal["higher", "lower", "none"]
    digits: int
    definition: str
    magnitude: bool = False


METRICS = (
    Metric("psnr", "PSNR", "dB", "higher", 2, "peak signal-to-noise ratio of RGB frames, mean over a clip's frames"),
    Metric("ssim", "SSIM", "", "higher", 3, "structural similarity of RGB frames (11 × 11 Gaussian, σ 1.5), −1 to 1"),
    Metric(
        "lmd",
        "LMD",
        "inter-ocular",
        "lower",
        4,
        "mean distance of landmarks 17–67, as a fraction of the distance of the outer eye corners",
    ),
    Metric(
        "av_corr",
        "AV-corr",
        "r",
        "higher",
        3,
        "correlation of mouth opening and loudness at lag 0, −1 to 1; a proxy, not LSE-C",
    ),
    Metric(
        "av_corr_shuffled",
        "AV-corr, other sound",
        "r",
        "none",
        3,
        "the same with another clip's sound: what chance gives",
    ),
    Metric(
        "av_offset",
        "|AV-offset|",
        "frames",
        "lower",
        2,
        "size of the lag at which opening and loudness correlate best; a proxy, not SyncNet's offset",
        magnitude=True,
    ),
    Metric("frames", "Length", "frames", "none", 1, "frames of a clip that were compared"),
)


class ScoreRow(BaseModel):
    """The scores of one clip by one method; `video` is null where the clip was dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    clip_id: str
    speaker: str
    split: Split
    dataset: str
    method: str
    source: str | None
    video: str | None
    metrics: dict[str, int | float | None]
    reasons: dict[str, str] = {}


@dataclass
class Measurements:
    """Collects a clip's numbers, and the reasons of those that could not be had."""

    metrics: dict[str, int | float | None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

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


@dataclass(frozen=True)
class Mean:
    """A mean over the n clips that have a number; None where n is 0."""

    value: float | None
    n: int


def mean_of(metric: Metric, rows: Iterable[ScoreRow]) -> Mean:
    """Return the mean of a metric over the clips that have it."""
    values = [row.metrics[metric.name] for row in rows if row.metrics.get(metric.name) is not None]
    if metric.magnitude:
        values = [abs(value) for value in values]
    return Mean(math.fsum(values) / len(values) if values else None, len(values))


def read_scores(path: str | Path) -> list[ScoreRow]:
    """Return the rows a score stage wrote.

    Raises:
        InputError: a line is not a row of scores.
    """
    rows = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        try:
            rows.append(ScoreRow.model_validate_json(line))
        except ValidationError as error:
            raise InputError(f"{path}, line {number} is not a row of scores: rerun the stage score: {error}") from error
    return rows


def parse_labels(text: str) -> dict[str, str]:
    """Return the labels of the methods in the order of the tables' rows.

    Raises:
        InputError: the text is not a JSON object of strings.
    """
    try:
        labels = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"--labels is not JSON: {error}") from error
    if not isinstance(labels, dict) or not all(isinstance(label, str) for label in labels.values()):
        raise InputError('--labels must be a JSON object {"method": "label", …}')
    return labels


def by_method(rows: Iterable[ScoreRow], labels: dict[str, str]) -> dict[str, dict[str, list[ScoreRow]]]:
    """Return the rows of every labelled method, in the labels' order, by run: one a seed, the method's own name first.

    A method without rows has one run without any.

    Raises:
        InputError: a row is of a method without a label, or two rows are of the same clip and run.
    """
    grouped: dict[str, dict[str, list[ScoreRow]]] = {method: {method: []} for method in labels}
    seen = set()
    for row in rows:
        method = method_of(row.method)
        if method not in grouped:
            raise InputError(f"scores of the method '{row.method}', which has no label: the labels are {[*labels]}")
        if (key := (row.dataset, row.method, row.clip_id)) in seen:
            raise InputError(f"two rows of scores for {key}: give every file once")
        seen.add(key)
        grouped[method].setdefault(row.method, []).append(row)
    return grouped

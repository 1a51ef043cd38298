"""Rows of scores, one a clip and method, as a parquet file keeps them; and their means.

Shape of the file: the fields of `ScoreRow`, every metric of `METRICS` a column of numbers (null: see `reasons`, JSON).
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from tavce.config.variants import method_of
from tavce.files import whole
from tavce.measure.metrics import METRICS, Metric
from tavce.records import InputError, Split

TEXTS = ("clip_id", "speaker", "split", "dataset", "method", "source", "video", "video_sha256")
JSONS = ("reasons", "notes")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS]
    + [(metric.name, pa.float64()) for metric in METRICS]
    + [(name, pa.string()) for name in JSONS]
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
    video_sha256: str | None = None
    metrics: dict[str, int | float | None]
    reasons: dict[str, str] = {}  # metric → why it has no number
    notes: dict[str, int | float | str | None] = {}  # what had to be done to the video before it could be measured


def write_scores(path: str | Path, rows: Sequence[ScoreRow]) -> None:
    """Write rows of scores, whole or not at all."""
    lines = [
        {name: getattr(row, name) for name in TEXTS}
        | {metric.name: row.metrics.get(metric.name) for metric in METRICS}
        | {name: json.dumps(getattr(row, name), ensure_ascii=False) for name in JSONS}
        for row in rows
    ]
    with whole(path) as part:
        pq.write_table(pa.Table.from_pylist(lines, SCHEMA), part)


def read_scores(path: str | Path) -> list[ScoreRow]:
    """Return the rows a score stage wrote.

    Raises:
        InputError: the file has no rows of scores of this version.
    """
    try:
        return [_row(line) for line in pq.read_table(path, schema=SCHEMA).to_pylist()]
    except (pa.ArrowException, ValidationError, json.JSONDecodeError) as error:
        raise InputError(f"{path} has no rows of scores of this version: rerun the stage score: {error}") from error


def _row(line: dict[str, Any]) -> ScoreRow:
    texts = {name: json.loads(line[name]) for name in JSONS}
    metrics = {metric.name: line[metric.name] for metric in METRICS}
    return ScoreRow(**{name: line[name] for name in TEXTS}, metrics=metrics, **texts)


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

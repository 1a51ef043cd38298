"""What the page's table of every clip needs: columns of numbers, one script a dataset and run, loaded on demand.

Writes  data/clips/DATASET.js: the clips, their speakers and sources, in the order of the rows
        data/clips/DATASET/RUN.js: a run's numbers, a column a metric, and why numbers are missing
Shapes: n clips of a dataset; clips are named by their place among them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tavce.config.variants import method_of, seed_of
from tavce.measure.metrics import METRICS, Metric
from tavce.measure.rows import ScoreRow, by_method
from tavce.records import InputError
from tavce.report.data import write_data

COLUMNS = tuple(metric for metric in METRICS if not metric.pooled)
EXTRA_DIGITS = 2  # kept beyond those shown, so that differences of rounded numbers are right
NOT_TRIED = "not tried"
Times = Mapping[str, tuple[float, float]]  # clip → where it begins and ends in its source, s


@dataclass(frozen=True)
class Shown:
    """What the table says besides the scores.

    labels: method → label, in the order shown.
    baseline: the method that others are compared with.
    videos_root: folder with DATASET/METHOD/CLIP_ID.mp4, as the page names it for clips without players.
    times: dataset → clip → its time in its source.
    """

    labels: dict[str, str]
    baseline: str
    videos_root: str
    times: Mapping[str, Times] = field(default_factory=dict)


def read_times(index: str | Path, rate_hz: int) -> dict[str, tuple[float, float]]:
    """Return where every clip of an index begins and ends in its source, s.

    Args:
        index: the index.parquet of a dataset.
        rate_hz: frames a second of the clips.

    Raises:
        InputError: the file has no such columns.
    """
    names = ("clip_id", "start_frame", "first_frame", "frames")
    if lacking := set(names) - {*pq.read_schema(index).names}:
        raise InputError(f"{index} is no index of clips: it lacks {', '.join(sorted(lacking))}; rerun the stage index")
    columns = pq.read_table(index, columns=[*names]).to_pydict()
    lines = zip(*(columns[name] for name in names), strict=True)
    return {
        clip_id: ((start + first) / rate_hz, (start + first + frames) / rate_hz)
        for clip_id, start, first, frames in lines
    }


def write_clips(folder: Path, scores: Mapping[str, list[ScoreRow]], shown: Shown) -> dict[str, Any]:
    """Write the columns of every dataset below `folder`; return what the page must know before it loads any.

    Raises:
        InputError: as `rows.by_method`.
    """
    datasets = {dataset: _write_dataset(folder, dataset, rows, shown) for dataset, rows in scores.items()}
    return {"videos_root": shown.videos_root, "datasets": datasets}


def _write_dataset(folder: Path, dataset: str, rows: list[ScoreRow], shown: Shown) -> dict[str, Any]:
    runs = {run: rows for found in by_method(rows, shown.labels).values() for run, rows in found.items() if rows}
    clips = {row.clip_id: row for row in rows}
    write_data(folder, f"clips/{dataset}", _clips([*clips.values()], shown.times.get(dataset, {})))
    columns = {run: _columns([*clips], run_rows) for run, run_rows in runs.items()}
    for run, found in columns.items():
        write_data(folder, f"clips/{dataset}/{run}", found)
    return {
        "clips": len(clips),
        "baseline": shown.baseline if shown.baseline in runs else None,
        "runs": [{"name": run, "label": run_label(run, shown.labels)} for run in runs],
        "metrics": [_metric(metric, [*columns.values()]) for metric in COLUMNS],
    }


def run_label(run: str, labels: dict[str, str]) -> str:
    """Return what a run is called: its method's label, and the seed that its name has."""
    seed = seed_of(run)
    return labels[method_of(run)] + (f", seed {seed}" if seed else "")


def _clips(rows: list[ScoreRow], times: Times) -> dict[str, Any]:
    speakers, speaker = _counted(row.speaker for row in rows)
    sources, source = _counted(row.source or "" for row in rows)
    found = [times.get(row.clip_id) for row in rows]
    return {
        "ids": [row.clip_id for row in rows],
        "speakers": speakers,
        "speaker": speaker,
        "sources": sources,
        "source": source,
        "times": [time and [round(moment, 2) for moment in time] for time in found] if any(found) else None,
    }


def _counted(texts: Iterable[str]) -> tuple[list[str], list[int]]:
    """Return every text once, and for each given one which of them it is."""
    places: dict[str, int] = {}
    which = [places.setdefault(text, len(places)) for text in texts]
    return [*places], which


def _columns(clip_ids: list[str], rows: list[ScoreRow]) -> dict[str, Any]:
    """Return a run's numbers as columns, and its reasons once each, with the clips that have them.

    `dropped` and `why`: clip → reason; `why` is one reason, not a table, where all clips that lack the metric share it.
    """
    scored = {row.clip_id: row for row in rows}
    reasons: dict[str, int] = {}
    dropped, values, why = {}, {}, {metric.name: {} for metric in COLUMNS}
    for place, clip_id in enumerate(clip_ids):
        row = scored.get(clip_id)
        if row is None or row.video is None:
            text = NOT_TRIED if row is None else next(iter(row.reasons.values()), "dropped")
            dropped[place] = reasons.setdefault(text, len(reasons))
            continue
        for name, text in row.reasons.items():
            if name in why:
                why[name][place] = reasons.setdefault(text, len(reasons))
    for metric in COLUMNS:
        values[metric.name] = [_rounded(metric, scored.get(clip_id)) for clip_id in clip_ids]
        lacking = values[metric.name].count(None) - len(dropped)
        if len(why[metric.name]) == lacking and len(set(why[metric.name].values())) == 1:
            why[metric.name] = next(iter(why[metric.name].values()))
    return {"values": values, "reasons": [*reasons], "dropped": dropped, "why": why}


def _rounded(metric: Metric, row: ScoreRow | None) -> float | None:
    value = None if row is None or row.video is None else row.metrics.get(metric.name)
    if value is None:
        return None
    number = round(abs(value) if metric.magnitude else value, metric.digits + EXTRA_DIGITS)
    return int(number) if number == int(number) else number


def _metric(metric: Metric, columns: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a metric as the page shows it; `empty` where no run has a number of it."""
    empty = all(number is None for found in columns for number in found["values"][metric.name])
    words = {name: getattr(metric, name) for name in ("name", "heading", "unit", "better", "digits", "definition")}
    return words | {"empty": empty}

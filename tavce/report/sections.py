"""What the report page shows, read from files: the funnel, the runs and their curves.

Every function returns plain values for the template.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tavce.files import digest, read_json
from tavce.records import SPLITS, InputError
from tavce.report.curves import Chart, charts, read_history
from tavce.stages import STAGES

NO_BREAK = "\u00a0"


@dataclass(frozen=True)
class Grid:
    """A table of texts; the first cell of a line names it."""

    headings: list[str]
    lines: list[list[str]]


def funnel_tables(funnel: dict[str, dict[str, dict[str, dict[str, Any]]]]) -> dict[str, Grid]:
    """Return kept clips of every dataset by stage and split, and what was dropped up to each stage, by reason."""
    grids = {}
    for dataset, stages in funnel.items():
        lines = []
        for stage in (name for name in STAGES if name in stages):
            splits = stages[stage]
            kept = [f"{splits[name]['kept']} of {splits[name]['total']}" if name in splits else "-" for name in SPLITS]
            dropped: Counter[str] = Counter()
            for split in splits.values():
                dropped.update(split["dropped"])
            reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.most_common())
            lines.append([stage, *kept, reasons or "none"])
        grids[dataset] = Grid(["Stage", *(f"Kept, {name}" for name in SPLITS), "Dropped so far"], lines)
    return grids


def read_runs(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Return the run.json of every path.

    Raises:
        InputError: a file lacks the stage, the name or the metrics.
    """
    runs = []
    for path in paths:
        run = read_json(path)
        if not isinstance(run, dict) or not {"stage", "name", "metrics"} <= run.keys():
            raise InputError(f"{path} is no run.json: it needs stage, name and metrics")
        runs.append(run)
    return runs


def run_title(run: dict[str, Any]) -> str:
    """Return how a run is called on the page."""
    return " / ".join(part for part in (run["stage"], run["name"]) if part)


def run_list(runs: list[dict[str, Any]]) -> Grid:
    """Return what every run was made from: commit, settings, data, duration and checkpoint."""
    lines = []
    for run in runs:
        settings = run.get("settings_digest") or digest(run.get("settings"))
        checkpoint = (run.get("checkpoint") or {}).get("sha256", "-")[:16]
        commit = short_commit(run.get("git_commit"))
        seconds = "-" if run.get("seconds") is None else f"{run['seconds']:.0f}"
        lines.append([run_title(run), commit, settings, run.get("index_digest") or "-", seconds, checkpoint])
    return Grid(["Run", "Commit", "Settings", "Data", "Seconds", "Checkpoint"], lines)


def short_commit(commit: str | None) -> str:
    """Return the first 12 digits of a commit, and `-dirty` where files differed; “-” where it is not known."""
    if commit is None:
        return "-"
    return commit[:12] + ("-dirty" if commit.endswith("-dirty") else "")


def loss_curves(runs: list[dict[str, Any]], paths: Iterable[str | Path]) -> dict[str, list[Chart]]:
    """Return the charts of every run that has a `history.jsonl` beside its run.json."""
    curves = {}
    for run, path in zip(runs, paths, strict=True):
        history = Path(path).with_name("history.jsonl")
        if history.is_file() and (drawn := charts(read_history(history))):
            curves[run_title(run)] = drawn
    return curves

"""Where every cell of the tables comes from, for the panel that the page opens at a cell.

Writes  data/lineage/TABLE.js: the table's metrics and baseline
        data/lineage/TABLE/ROW.js: of each metric the cell and its runs, as `tavce explain` has them; what run.json
        files say, once each, in `facts`: cells have their places there
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tavce.evaluate.lineage import Lineage
from tavce.evaluate.table import Line, Table
from tavce.report.data import write_data

LISTED = 20  # clips without a number that are named, of one reason


def write_lineage(folder: Path, tables: Iterable[Table], results: Path) -> None:
    """Write the lineage of every cell that the page shows below `folder`.

    Raises:
        InputError: as `Lineage.of`.
    """
    lineage = Lineage(results)
    for table in tables:
        metrics = {column.name: column.model_dump(mode="json") for column in table.shown}
        about = {"dataset": table.dataset, "baseline": table.baseline, "alpha": table.alpha}
        write_data(folder, f"lineage/{table.table}", {**about, "metrics": metrics})
        values = table.model_dump(mode="json")
        for row in table.rows:
            found = {name: lineage.of(values, row.method, name) for name in metrics}
            write_data(folder, f"lineage/{table.table}/{row.method}", _told(row, found))


def _told(row: Line, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the lineage of a row's cells without what they share."""
    facts: list[dict[str, Any]] = []
    cells = {}
    for name, said in found.items():
        runs = [_run(run, facts) for run in said["runs"]]
        cells[name] = {"cell": said["cell"], "runs": runs, "not_there": said["not_there"]}
    about = row.model_dump(mode="json", include={"method", "label", "kind", "source"})
    return {"row": about, "cells": cells, "facts": facts}


def _run(run: dict[str, Any], facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a run's lineage: run.json by their places in `facts`, which grows, and the first clips of every reason."""
    few = {
        key: {why: {"clips": len(ids), "first": ids[:LISTED]} for why, ids in run[key].items()}
        for key in ("dropped", "without_number")
        if key in run
    }
    made = [said for said in (run["score"], *run["trainings"]) if said]
    for said in made:
        if said not in facts:
            facts.append(said)
    own = {key: value for key, value in run.items() if key not in ("score", "trainings")}
    return {**own, **few, "facts": [facts.index(said) for said in made]}

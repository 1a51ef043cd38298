"""Where every cell of the tables comes from, for the panel that the page opens at a cell.

Writes  data/lineage/TABLE.js: the table's metrics and baseline
        data/lineage/TABLE/ROW.js: by metric, the row's cells and their lineage
"""

from collections.abc import Iterable
from pathlib import Path

from tavce.evaluate.table import Line, Table
from tavce.report.data import write_data


def write_lineage(folder: Path, tables: Iterable[Table], results: Path) -> None:
    """Write the lineage of every cell of the tables below `folder`."""
    for table in tables:
        metrics = {column.name: column.model_dump(mode="json") for column in table.shown}
        about = {"dataset": table.dataset, "baseline": table.baseline, "alpha": table.alpha}
        write_data(folder, f"lineage/{table.table}", {**about, "metrics": metrics})
        for row in table.rows:
            write_data(folder, f"lineage/{table.table}/{row.method}", _row(table, row, results))


def _row(table: Table, row: Line, results: Path) -> dict[str, object]:
    about = row.model_dump(mode="json", exclude={"cells"})
    cells = {column.name: row.cells[column.name].model_dump(mode="json") for column in table.shown}
    return {"row": about, "cells": cells}

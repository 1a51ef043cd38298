"""Tables as csv: one line a cell, with all that the JSON has of it."""

import csv
import io
import json
from collections.abc import Iterable, Sequence

from tavce.evaluate.table import Against, Cell, Column, Line, Table

COLUMNS = (
    *("table", "dataset", "method", "label", "kind", "source", "metric", "identity", "unit", "better"),
    *("value", "low", "high", "sd_seeds", "sd_subsets", "n", "speakers", "dropped", "missing", "mark"),
    *("runs", "seed_values", "seed_n", "why_no_value", "why_no_interval"),
    *("difference", "difference_low", "difference_high", "pairs", "p", "p_holm", "why_no_test"),
    *("row_clips", "row_dropped"),
)


def to_csv(table: Table) -> str:
    """Return one line for every method and metric, those without a number too.

    dropped: clips without a number; row_dropped: of the row's clips, those without a video; missing: JSON, why there
    are no numbers, with counts; runs, seed_values and seed_n: one a seed, with spaces between, - for none; difference
    to p_holm: against the baseline.
    """
    lines = (_line(table, row, column) for row in table.rows for column in table.metrics)
    return write_lines(COLUMNS, lines)


def write_lines(headings: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return lines of csv; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(lines)
    return text.getvalue()


def _line(table: Table, row: Line, column: Column) -> list[object]:
    cell = row.cells[column.name]
    of_row = [table.table, table.dataset, row.method, row.label, row.kind, row.source]
    of_column = [column.name, column.identity, column.unit, column.better]
    missing = json.dumps(cell.missing, ensure_ascii=False) if cell.missing else None
    numbers = [*map(number, (cell.value, cell.low, cell.high, cell.sd_seeds, cell.sd_subsets))]
    counts = [cell.n, cell.speakers, cell.dropped, missing, cell.mark]
    test = _test(cell.against_baseline or Against())
    return [*of_row, *of_column, *numbers, *counts, *_seeds(row, cell), *test, row.clips, row.dropped]


def _seeds(row: Line, cell: Cell) -> list[object]:
    values = " ".join("-" if value is None else number(value) for value in cell.seed_values)
    return [" ".join(row.runs), values, " ".join(map(str, cell.seed_n)), cell.why_no_value, cell.why_no_interval]


def _test(test: Against) -> list[object]:
    difference = [*map(number, (test.difference, test.low, test.high))]
    return [*difference, test.pairs or None, number(test.p), number(test.p_holm), test.why]


def number(value: float | None) -> str | None:
    """Return a number with six digits that count; None for none."""
    return None if value is None else f"{value:.6g}"

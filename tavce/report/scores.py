"""What the page shows of the tables of scores, and why numbers are missing.

Every function returns plain values for the template.
"""

import re
from collections.abc import Iterable, Sequence

from tavce.evaluate.table import Cell, Column, Line, Table
from tavce.report.sections import NO_BREAK, Grid

KINDS = {"comparison": "Comparison", "ablations": "Ablations of the renderer"}
MINUS = "−"


def title(table: Table) -> str:
    """Return what a table is called on the page."""
    return f"{KINDS[table.kind]}: {table.dataset}"


def missing_numbers(table: Table) -> Grid:
    """Return why numbers are missing: method, metrics, reason and clips, the metrics of equal reasons together."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in table.rows:
        for column in table.metrics if row.measured else ():
            for reason, clips in _gaps(row.cells[column.name]):
                reasons.setdefault((row.label, reason, clips), []).append(column.heading)
    lines = [[label, ", ".join(names), reason, clips] for (label, reason, clips), names in reasons.items()]
    return Grid(["Method", "Metrics", "Reason", "Clips"], lines)


def _gaps(cell: Cell) -> list[tuple[str, str]]:
    """Return why clips of a cell have no number, each reason with how many; else why the cell has none."""
    gaps = [(reason, str(clips)) for reason, clips in cell.missing.items()]
    return gaps or [(cell.why_no_value, "all")] * (cell.value is None and cell.why_no_value is not None)


def unmeasured(table: Table) -> dict[str, list[str]]:
    """Return the headings of the metrics that have no number in any row, by the reason."""
    headings: dict[str, list[str]] = {}
    reasons = table.unmeasured
    for column in table.metrics:
        if column.name in reasons:
            headings.setdefault(reasons[column.name], []).append(column.heading)
    return headings


def definitions(tables: Iterable[Table]) -> list[Column]:
    """Return every metric of the tables once, by its name and identity, in their order."""
    return [*{(column.name, column.identity): column for table in tables for column in table.metrics}.values()]


def several_seeds(tables: Iterable[Table]) -> bool:
    """Return whether a row of a table is made of several trainings."""
    return any(len(row.runs) > 1 for table in tables for row in table.rows)


def linked(text: str) -> list[tuple[str, str | None]]:
    """Return a text in parts, each with the address that it is; None: it is none."""
    parts = re.split(r"(https?://[^\s,;]+)", text)
    return [(part, part if place % 2 else None) for place, part in enumerate(parts) if part]


def number(value: float | None, digits: int) -> str:
    """Return a number as the page shows it, with a true minus; “-” where there is none."""
    return "-" if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def spread(cell: Cell, digits: int) -> str:
    """Return a cell's standard deviation over the seeds, else over the subsets of a Fréchet distance; else nothing."""
    sd = cell.sd_subsets if cell.sd_seeds is None else cell.sd_seeds
    return "" if sd is None else f"±{NO_BREAK}{sd:.{digits}f}"


def interval(cell: Cell, digits: int) -> str:
    """Return a cell's interval in brackets; nothing where there is none."""
    if cell.low is None or cell.high is None:
        return ""
    return f"[{number(cell.low, digits)}, {number(cell.high, digits)}]"


def count(cell: Cell) -> str:
    """Return how many clips, or frames, a cell is made of: 6, or of several seeds 6×2; nothing of a quoted number."""
    if cell.n is None:
        return ""
    seeds = sum(value is not None for value in cell.seed_values)
    return f"{cell.n}×{seeds}" if seeds > 1 else f"{cell.n}"


def pieces(identity: str) -> Sequence[str]:
    """Return an identity in pieces between which its line may break."""
    return [piece for piece in re.findall(r"[^./]*[./]?", identity) if piece]


def lost(row: Line) -> str:
    """Return how many clips of a row have no video, of how many."""
    return f"{row.dropped} of {row.clips}" if row.measured else ""

"""What the page shows of the tables of scores, read from results/tables/*.json, and why numbers are missing.

Every function returns plain values for the template; a `table` is the JSON value that the stage `tables` writes.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tavce.files import read_json
from tavce.records import InputError
from tavce.report.sections import NO_BREAK, Grid

Table = dict[str, Any]
FORMAT = 1
KINDS = {"comparison": "Comparison", "ablations": "Ablations of the renderer"}
NEEDED = {"format", "table", "kind", "dataset", "metrics", "rows", "notes"}
MINUS = "−"


def read_tables(paths: Iterable[str | Path]) -> list[Table]:
    """Return the tables of scores in every path, comparisons before ablations; tables of other kinds are left out.

    Raises:
        InputError: a file is no table of this version.
    """
    tables = []
    for path in paths:
        table = read_json(path)
        if not isinstance(table, dict) or table.get("format") != FORMAT or "kind" not in table:
            raise InputError(f"{path} is no table of this version: rerun the stage tables")
        if table["kind"] in KINDS:
            if lacking := sorted(NEEDED - table.keys()):
                raise InputError(f"{path} is no table of scores: it lacks {', '.join(lacking)}; rerun the stage tables")
            tables.append(table)
    return sorted(tables, key=lambda table: [*KINDS].index(table["kind"]))


def title(table: Table) -> str:
    """Return what a table is called on the page."""
    return f"{KINDS[table['kind']]}: {table['dataset']}"


def measured(table: Table) -> list[dict[str, Any]]:
    """Return the metrics that have a number in at least one row."""
    return [metric for metric in table["metrics"] if any(_value(row, metric) is not None for row in table["rows"])]


def unmeasured(table: Table) -> list[str]:
    """Return the headings of the metrics that have no number in any row."""
    shown = measured(table)
    return [metric["heading"] for metric in table["metrics"] if metric not in shown]


def missing_numbers(table: Table) -> Grid:
    """Return why numbers are missing: method, metrics, reason and clips, the metrics of equal reasons together."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in table["rows"]:
        for metric in table["metrics"] if row["kind"] == "measured" else []:
            for reason, clips in _gaps(row["cells"].get(metric["name"])):
                reasons.setdefault((row["label"], reason, clips), []).append(metric["heading"])
    lines = [[label, ", ".join(names), reason, clips] for (label, reason, clips), names in reasons.items()]
    return Grid(["Method", "Metrics", "Reason", "Clips"], lines)


def _gaps(cell: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return the reasons why a cell's clips, or the cell itself, have no number, and of how many clips."""
    if cell is None:
        return [("not in this table", "all")]
    gaps = [(reason, str(clips)) for reason, clips in (cell.get("missing") or {}).items()]
    why = cell.get("why_no_value")
    return gaps + [(why, "the cell")] * bool(why and why not in cell.get("missing", {}))


def uncertain(table: Table) -> list[str]:
    """Return why cells have no interval, each reason once with the number of its cells."""
    counts = Counter(
        cell["why_no_interval"]
        for row in table["rows"]
        for cell in row["cells"].values()
        if cell.get("value") is not None and cell.get("why_no_interval")
    )
    return [f"{why} ({cells} cell{'s' * (cells > 1)})" for why, cells in counts.most_common()]


def definitions(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return every metric of the tables once, by its identity and name, in their order."""
    found = {(metric["name"], metric["identity"]): metric for table in tables for metric in table["metrics"]}
    return [*found.values()]


def number(value: float | None, digits: int) -> str:
    """Return a number as the page shows it, with a true minus; “-” where there is none."""
    return "-" if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def spread(cell: dict[str, Any], digits: int) -> str:
    """Return the standard deviation of a cell, over the seeds or the subsets of a Fréchet distance; else nothing."""
    sd = cell.get("sd_seeds")
    sd = cell.get("sd_subsets") if sd is None else sd
    return "" if sd is None else f"±{NO_BREAK}{sd:.{digits}f}"


def interval(cell: dict[str, Any], digits: int) -> str:
    """Return a cell's interval in brackets; nothing where there is none."""
    if cell.get("low") is None or cell.get("high") is None:
        return ""
    return f"[{number(cell['low'], digits)}, {number(cell['high'], digits)}]"


def count(cell: dict[str, Any]) -> str:
    """Return how many clips, or frames, a cell is made of: 6, or of several seeds 6×2."""
    seeds = sum(n > 0 for n in cell.get("seed_n") or ())
    return f"{cell['n']}×{seeds}" if seeds > 1 else f"{cell['n']}"


def pieces(identity: str) -> list[str]:
    """Return an identity in pieces between which its line may break."""
    return re.findall(r"[^./]*[./]?", identity)[:-1]


def _value(row: dict[str, Any], metric: dict[str, Any]) -> float | None:
    return (row["cells"].get(metric["name"]) or {}).get("value")

"""Tables as Markdown (GitHub's)."""

from collections.abc import Iterable, Sequence

from tavce.evaluate.seeds import parts_in_words
from tavce.evaluate.table import Cell, Column, Line, Table
from tavce.measure.metrics import ARROWS

SPECIAL = {character: f"\\{character}" for character in "\\`*_<[|~"}
AROUND = {"best": "**", "second": "*", None: ""}


def escape(text: str) -> str:
    """Return the text with every character that Markdown would read as markup made harmless, on one line."""
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def code(text: str) -> str:
    """Return an identity as code; it has neither bars nor backticks."""
    return f"`{text}`"


def grid(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Return a table's lines of text; the cells are Markdown, and the first of each is aligned to the left."""
    rows = [headings, *lines]
    text = [f"| {' | '.join(row)} |" for row in rows]
    return [text[0], "|---|" + "---:|" * (len(headings) - 1), *text[1:]]


def to_markdown(table: Table) -> str:
    """Return a table of results, with what its metrics mean and which have no number below it."""
    shown = table.shown
    headings = ["Method", *map(_heading, shown), "Dropped"]
    lines = [_line(row, shown) for row in table.rows]
    text = [f"# {escape(table.table)}", "", *grid(headings, lines), ""]
    text += ["**Bold**: best; *italic*: second.", ""] if _has_marks(table) else []
    text += [f"{escape(note)}\n" for note in table.notes]
    text += [
        f"- **{escape(column.heading)}** {code(column.identity)}: {escape(column.definition)}." for column in shown
    ]
    return "\n".join([*text, *_unmeasured(table)]) + "\n"


def _unmeasured(table: Table) -> list[str]:
    named = {column.name: escape(column.heading) for column in table.metrics}
    return [f"- **{named[name]}**: not measured: {escape(why)}" for name, why in table.unmeasured.items()]


def _line(row: Line, columns: Sequence[Column]) -> list[str]:
    return [_label(row), *(_cell(column, row.cells[column.name]) for column in columns), _dropped(row)]


def _heading(column: Column) -> str:
    unit = f" ({column.unit})" if column.unit else ""
    return f"{escape(f'{column.heading}{unit} {ARROWS[column.better]}'.strip())}<br>{code(column.identity)}"


def _label(row: Line) -> str:
    return escape(row.label) if row.measured else f"{escape(row.label)} †"


def _cell(column: Column, cell: Cell) -> str:
    value, sure = parts_in_words(column, cell)
    around = AROUND[cell.mark]
    return f"{around}{value}{around} {sure}".strip()


def _dropped(row: Line) -> str:
    return f"{row.dropped} of {row.clips}" if row.measured else ""


def _has_marks(table: Table) -> bool:
    return any(cell.mark for row in table.rows for cell in row.cells.values())

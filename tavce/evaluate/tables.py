"""Write a dataset's table: methods × metrics, every cell a mean with its count.

Reads   the rows of scores of every method (files only)
Writes  the table as Markdown, as LaTeX (booktabs) and as csv, one line a cell
"""

import argparse
import csv
import io
import logging
from dataclasses import dataclass

from tavce.evaluate.metrics import (
    ARROWS,
    METRICS,
    Mean,
    Metric,
    ScoreRow,
    by_method,
    mean_of,
    parse_labels,
    read_scores,
)
from tavce.files import input_file, write_text
from tavce.records import InputError

log = logging.getLogger(__name__)
COLUMNS = ("dataset", "method", "label", "metric", "mean", "n", "dropped", "unit", "better")
EVERY_CELL = "Every cell: mean over the n clips that have a number; ↑ higher is better, ↓ lower is better."
NO_NUMBER = "-: no clip has a number; the rows of scores say why."
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "×": r"$\times$",
    "σ": r"$\sigma$",
    "−": r"$-$",
    "–": "--",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument(
        "--scores", type=input_file, required=True, nargs="+", help="rows of scores of all methods, .jsonl"
    )
    parser.add_argument("--labels", required=True, help="method → label, in the order of the rows, JSON")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--markdown", required=True, help="output")
    parser.add_argument("--csv", required=True, help="output")
    parser.add_argument("--latex", required=True, help="output")


def run(arguments: argparse.Namespace) -> None:
    """Write one dataset's table in three forms.

    Raises:
        InputError: a row is of another dataset, or of a method without a label.
    """
    rows = [row for path in arguments.scores for row in read_scores(path)]
    strangers = sorted({row.dataset for row in rows} - {arguments.dataset})
    if strangers:
        raise InputError(f"the table of {arguments.dataset} was given scores of {strangers}")
    table = make_table(arguments.dataset, rows, parse_labels(arguments.labels))
    write_text(arguments.markdown, to_markdown(table))
    write_text(arguments.csv, to_csv(table))
    write_text(arguments.latex, to_latex(table))
    log.info("tables: %d methods on %s", len(table.lines), arguments.dataset)


@dataclass(frozen=True)
class Line:
    """A method's row: one mean for every metric, clips in all and clips dropped."""

    method: str
    label: str
    means: tuple[Mean, ...]
    clips: int
    dropped: int


@dataclass(frozen=True)
class Table:
    """Methods × `METRICS` on one dataset."""

    dataset: str
    lines: tuple[Line, ...]

    @property
    def has_gaps(self) -> bool:
        """Whether a cell has no number."""
        return any(mean.n == 0 for line in self.lines for mean in line.means)


def make_table(dataset: str, rows: list[ScoreRow], labels: dict[str, str]) -> Table:
    """Return the table; a labelled method without rows keeps its line, with no numbers.

    Raises:
        InputError: as `metrics.by_method`.
    """
    lines = [
        Line(
            method,
            labels[method],
            tuple(mean_of(metric, scored) for metric in METRICS),
            len(scored),
            sum(row.video is None for row in scored),
        )
        for method, scored in by_method(rows, labels).items()
    ]
    return Table(dataset, tuple(lines))


def to_csv(table: Table) -> str:
    """Return one line for every method and metric; the mean is empty where n is 0."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in table.lines:
        for metric, mean in zip(METRICS, line.means, strict=True):
            value = "" if mean.value is None else f"{mean.value:.6g}"
            cells = (table.dataset, line.method, line.label, metric.name, value, mean.n, line.dropped)
            writer.writerow((*cells, metric.unit, metric.better))
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """Return the table as Markdown, with the metrics' definitions below."""
    headings = ["Method", *map(_heading, METRICS), "Dropped"]
    lines = [[line.label, *map(_cell, METRICS, line.means), f"{line.dropped} of {line.clips}"] for line in table.lines]
    text = [f"# {table.dataset}", "", _markdown_line(headings), "|---|" + "---:|" * (len(headings) - 1)]
    text += [_markdown_line(cells) for cells in lines]
    text += ["", EVERY_CELL, ""]
    text += [f"- **{_escape_bars(metric.heading)}**: {metric.definition}." for metric in METRICS]
    if table.has_gaps:
        text += ["", NO_NUMBER]
    return "\n".join(text) + "\n"


def to_latex(table: Table) -> str:
    """Return the table as LaTeX for the packages booktabs and graphicx, with the definitions in its caption."""
    headings = [rf"\textbf{{{escape_latex(heading)}}}" for heading in ("Method", *map(_heading, METRICS), "Dropped")]
    definitions = "; ".join(f"{metric.heading}: {metric.definition}" for metric in METRICS)
    caption = f"Results on {table.dataset}. {EVERY_CELL} {definitions}."
    caption += f" {NO_NUMBER}" if table.has_gaps else ""
    body = [[line.label, *map(_cell, METRICS, line.means), f"{line.dropped} of {line.clips}"] for line in table.lines]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(caption)}}}",
            rf"\label{{tab:{table.dataset}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}",
            r"\toprule",
            " & ".join(headings) + r" \\",
            r"\midrule",
            *(" & ".join(map(escape_latex, cells)) + r" \\" for cells in body),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def escape_latex(text: str) -> str:
    """Return the text with every character that LaTeX would read as a command made harmless."""
    return "".join(LATEX_SPECIAL.get(character, character) for character in text)


def _heading(metric: Metric) -> str:
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.heading}{unit} {ARROWS[metric.better]}".strip()


def _cell(metric: Metric, mean: Mean) -> str:
    return "-" if mean.value is None else f"{mean.value:.{metric.digits}f} (n={mean.n})"


def _markdown_line(cells: list[str]) -> str:
    return "| " + " | ".join(map(_escape_bars, cells)) + " |"


def _escape_bars(text: str) -> str:
    return text.replace("|", "\\|")

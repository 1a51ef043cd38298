"""Write a dataset's table: methods × metrics, every cell a mean with its count and, over seeds, its spread.

Reads   the rows of scores of every method, and of every seed that it was trained with (files only)
Writes  the table as Markdown, as LaTeX (booktabs) and as csv, one line a cell: `runs` are the method's trainings, one a
        seed, `seed_means` and `seed_n` are theirs; `seeds` counts those with a number, `n` is the fewest clips of one
        of them, `dropped` the most
"""

import argparse
import csv
import io
import logging
from dataclasses import dataclass

from tavce.evaluate.seeds import SPREAD, Cell, in_words
from tavce.files import input_file, write_text
from tavce.measure.metrics import ARROWS, METRICS, Metric
from tavce.measure.rows import ScoreRow, by_method, mean_of, parse_labels, read_scores
from tavce.records import InputError

log = logging.getLogger(__name__)
COLUMNS = (
    *("dataset", "method", "label", "metric", "mean", "sd_seeds", "seeds", "n"),
    *("runs", "seed_means", "seed_n", "dropped", "unit", "better"),
)
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
    "±": r"$\pm$",
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
    """A method's row: the runs it is made of, a cell for every metric, and of the run that lost most its clips."""

    method: str
    label: str
    runs: tuple[str, ...]
    cells: tuple[Cell, ...]
    clips: int
    dropped: int

    @property
    def texts(self) -> list[str]:
        """The row as people read it."""
        numbers = (
            in_words(metric, cell.value, cell.sd, cell.clips) for metric, cell in zip(METRICS, self.cells, strict=True)
        )
        return [self.label, *numbers, f"{self.dropped} of {self.clips}"]


@dataclass(frozen=True)
class Table:
    """Methods × `METRICS` on one dataset."""

    dataset: str
    lines: tuple[Line, ...]

    @property
    def notes(self) -> list[str]:
        """What a reader has to know of the cells, besides the metrics' definitions."""
        several = any(len(line.runs) > 1 for line in self.lines)
        gaps = any(cell.value is None for line in self.lines for cell in line.cells)
        return [EVERY_CELL, *[f"{SPREAD}."] * several, *[NO_NUMBER] * gaps]


def make_table(dataset: str, rows: list[ScoreRow], labels: dict[str, str]) -> Table:
    """Return the table; a labelled method without rows keeps its line, with no numbers.

    Raises:
        InputError: as `metrics.by_method`.
    """
    return Table(dataset, tuple(_line(labels[method], runs) for method, runs in by_method(rows, labels).items()))


def _line(label: str, runs: dict[str, list[ScoreRow]]) -> Line:
    cells = tuple(Cell(tuple(mean_of(metric, scored) for scored in runs.values())) for metric in METRICS)
    dropped, clips = max((sum(row.video is None for row in scored), len(scored)) for scored in runs.values())
    return Line(next(iter(runs)), label, tuple(runs), cells, clips, dropped)


def to_csv(table: Table) -> str:
    """Return one line for every method and metric; a mean is empty where n is 0."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in table.lines:
        for metric, cell in zip(METRICS, line.cells, strict=True):
            means = " ".join(_number(mean.value, "-") for mean in cell.seeds)
            by_seed = (" ".join(line.runs), means, " ".join(map(str, cell.clips)))
            numbers = (_number(cell.value), _number(cell.sd), len(cell.counted), cell.n, *by_seed, line.dropped)
            writer.writerow((table.dataset, line.method, line.label, metric.name, *numbers, metric.unit, metric.better))
    return text.getvalue()


def _number(value: float | None, missing: str = "") -> str:
    return missing if value is None else f"{value:.6g}"


def to_markdown(table: Table) -> str:
    """Return the table as Markdown, with the metrics' definitions below."""
    headings = ["Method", *map(_heading, METRICS), "Dropped"]
    text = [f"# {table.dataset}", "", _markdown_line(headings), "|---|" + "---:|" * (len(headings) - 1)]
    text += [_markdown_line(line.texts) for line in table.lines]
    first, *others = table.notes
    text += ["", first, ""]
    text += [f"- **{_escape_bars(metric.heading)}**: {metric.definition}." for metric in METRICS]
    for note in others:
        text += ["", note]
    return "\n".join(text) + "\n"


def to_latex(table: Table) -> str:
    """Return the table as LaTeX for the packages booktabs and graphicx, with the definitions in its caption."""
    headings = [rf"\textbf{{{escape_latex(heading)}}}" for heading in ("Method", *map(_heading, METRICS), "Dropped")]
    definitions = "; ".join(f"{metric.heading}: {metric.definition}" for metric in METRICS)
    first, *others = table.notes
    caption = " ".join([f"Results on {table.dataset}.", first, f"{definitions}.", *others])
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
            *(" & ".join(map(escape_latex, line.texts)) + r" \\" for line in table.lines),
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


def _markdown_line(cells: list[str]) -> str:
    return "| " + " | ".join(map(_escape_bars, cells)) + " |"


def _escape_bars(text: str) -> str:
    return text.replace("|", "\\|")

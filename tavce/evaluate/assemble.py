"""Put a dataset's tables together: the comparison of all methods, and the variants of the renderer beside the baseline.

Published numbers stand in the comparison as rows of their own; they are of other clips, so nothing is tested on them.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tavce.config.evaluation import Quoted, Tables
from tavce.evaluate.cells import GROUND_TRUTH, MetricColumn, Runs
from tavce.evaluate.compare import Comparer
from tavce.evaluate.seeds import QUOTED_MARK, SPREAD
from tavce.evaluate.table import Cell, Column, Line, Table
from tavce.measure.metrics import METRIC, METRICS
from tavce.measure.rows import ScoreRow, by_method, read_scores
from tavce.records import InputError

NO_ABLATIONS = "No variant of the renderer besides the baseline is among the methods."


@dataclass(frozen=True)
class Scores:
    """What was measured on a dataset: the rows of every run, and the file of each."""

    dataset: str
    rows: Mapping[str, list[ScoreRow]]
    files: Mapping[str, str]

    @property
    def speakers(self) -> dict[str, str]:
        """The speaker of every clip."""
        return {row.clip_id: row.speaker for rows in self.rows.values() for row in rows}

    def beside(self, suffix: str) -> dict[str, str]:
        """Return the path with another suffix beside every run's rows, whether there is such a file or not."""
        return {run: str(Path(path).with_suffix(suffix)) for run, path in self.files.items()}


@dataclass(frozen=True)
class Wanted:
    """What the tables are to have: methods with their labels, which are ablations, and the settings."""

    labels: dict[str, str]
    ablations: Collection[str]
    ask: Tables
    quoted: Mapping[str, Quoted]


def read_all(dataset: str, paths: Collection[str]) -> Scores:
    """Return the scores in the files; a run has the name of its file.

    Raises:
        InputError: a file has rows of another dataset or run, or is none of scores; or two files have one name.
    """
    scores = Scores(dataset, {}, {})
    for path in paths:
        run = Path(path).stem
        if run in scores.files:
            raise InputError(f"two files of scores of '{run}', {scores.files[run]} and {path}: give every file once")
        rows = read_scores(path)
        if strangers := sorted({(row.dataset, row.method) for row in rows} - {(dataset, run)}):
            found = "{} by '{}'".format(*strangers[0])
            raise InputError(f"{path} has scores of {found}, not of {dataset} by '{run}': give that one's file")
        scores.rows[run], scores.files[run] = rows, path
    return scores


def make_tables(scores: Scores, wanted: Wanted) -> tuple[Table, Table]:
    """Return the comparison and the ablation table.

    Raises:
        InputError: the baseline or an ablation has no label; a published number is of no metric; and as `by_method`.
    """
    for name in (wanted.ask.baseline, *wanted.ablations):
        if name not in wanted.labels:
            raise InputError(f"the method '{name}' has no label: the labels are {[*wanted.labels]}")
    by_name = by_method((row for rows in scores.rows.values() for row in rows), wanted.labels)
    methods = {name: {run: rows for run, rows in runs.items() if run in scores.files} for name, runs in by_name.items()}
    comparer, features = Comparer(wanted.ask, scores.speakers), scores.beside(".features.npz")
    columns = [MetricColumn(metric, methods, wanted.ask.baseline, comparer, features) for metric in METRICS]
    compared = [method for method in methods if method not in wanted.ablations]
    ablated = [method for method in methods if method in wanted.ablations]
    ablated = [*(name for name in methods if name == GROUND_TRUTH), *ablated] if ablated else []
    maker = _Maker(scores, wanted, columns)
    return (
        maker.table("comparison", compared, quoted_lines(scores.dataset, wanted.quoted), []),
        maker.table("ablations", [*ablated, wanted.ask.baseline], [], [NO_ABLATIONS] * (not ablated)),
    )


@dataclass(frozen=True)
class _Maker:
    scores: Scores
    wanted: Wanted
    columns: list[MetricColumn]

    def table(self, kind: str, chosen: list[str], quoted: list[Line], notes: list[str]) -> Table:
        by_metric = {column.metric.name: column.cells(chosen) for column in self.columns}
        rows = [self._line(method, {name: cells[method] for name, cells in by_metric.items()}) for method in chosen]
        ask = self.wanted.ask
        return Table(
            table=self.scores.dataset if kind == "comparison" else f"{self.scores.dataset}_{kind}",
            kind=kind,
            dataset=self.scores.dataset,
            baseline=ask.baseline,
            alpha=ask.alpha,
            metrics=tuple(map(Column.of, METRICS)),
            rows=(*rows, *quoted),
            notes=(*notes, *_notes(self.wanted, [*rows, *quoted])),
        )

    def _line(self, method: str, cells: dict[str, Cell]) -> Line:
        runs: Runs = self.columns[0].methods[method]
        lost = ((sum(row.video is None for row in rows), len(rows)) for rows in runs.values())
        dropped, clips = max(lost, default=(0, 0))
        beside = self.scores.beside(".run.json")
        return Line(
            method=method,
            label=self.wanted.labels[method],
            kind="measured",
            runs=tuple(runs),
            clips=clips,
            dropped=dropped,
            scores={run: self.scores.files[run] for run in runs},
            run_json={run: beside[run] for run in runs},
            cells=cells,
        )


def quoted_lines(dataset: str, quoted: Mapping[str, Quoted]) -> list[Line]:
    """Return a row for everyone's published numbers on a dataset.

    Raises:
        InputError: a number is of a metric that is not in the tables.
    """
    lines = []
    for name, said in quoted.items():
        numbers = said.datasets.get(dataset, {})
        if unknown := sorted({*numbers} - {*METRIC}):
            raise InputError(f"quoted.{name}.datasets.{dataset}.{unknown[0]} is none of the metrics {[*METRIC]}")
        if numbers:
            cells = {metric: _quoted_cell(numbers.get(metric)) for metric in METRIC}
            lines.append(Line(method=name, label=said.label, kind="quoted", source=said.source, cells=cells))
    return lines


def _quoted_cell(number: float | None) -> Cell:
    return Cell() if number is None else Cell(value=number)


def _notes(wanted: Wanted, rows: list[Line]) -> list[str]:
    ask = wanted.ask
    sure = f"{100 * (1 - ask.alpha):g} %"
    notes = [
        "Every cell: mean over the n clips that have a number, and in brackets its interval of "
        f"{sure} over speakers; ↑ higher is better, ↓ lower is better. Lost: clips without a number; dropped: "
        "without a video.",
        "Best and second are marked only where a paired test over speakers, corrected by Holm for all pairs of the "
        f"column, finds them better than those behind them at {ask.alpha:g}; real videos take no part.",
    ]
    if any(cell.sd_subsets is not None for row in rows for cell in row.cells.values()):
        notes.append(
            f"A Fréchet distance is of n = {ask.frechet_n} frames: mean ± standard deviation over "
            f"{ask.frechet_subsets} subsets."
        )
    notes += [f"No interval of {number} cells: {why}." for why, number in _uncertain(rows).most_common()]
    if any(len(row.runs) > 1 for row in rows):
        notes.append(f"{SPREAD}.")
    if any(cell.value is None for row in rows if row.measured for cell in row.cells.values()):
        notes.append(f"-: no number, as fewer than {ask.min_clips} clips have one; the table's .json and .csv say why.")
    notes += [
        f"{QUOTED_MARK} {row.label}: published, on clips of others' choosing, not measured here; from {row.source}."
        for row in rows
        if not row.measured
    ]
    return notes


def _uncertain(rows: list[Line]) -> Counter[str]:
    """Return why values of single clips have no interval, and how many cells that is said of."""
    cells = [cell for row in rows if row.measured for cell in row.cells.values() if cell.sd_subsets is None]
    return Counter(cell.why_no_interval for cell in cells if cell.value is not None and cell.why_no_interval)

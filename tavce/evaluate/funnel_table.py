"""Write the funnel as a table: of every dataset and stage, the clips kept by split, and those dropped so far by reason.

Reads   funnel.json
Writes  the table as JSON {format, table, kind, rows: [{dataset, stage, splits: {split: {total, kept, dropped:
        {reason: n}}}}]}, and from it as Markdown, csv (one line a stage and split) and LaTeX
"""

import argparse
import json
import logging
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from tavce.evaluate import latex, markdown
from tavce.evaluate.forms import write_forms
from tavce.evaluate.spreadsheet import write_lines
from tavce.evaluate.table import Part
from tavce.files import input_file
from tavce.records import SPLITS, InputError
from tavce.stages import STAGES

log = logging.getLogger(__name__)
HEADINGS = ("Dataset", "Stage", *(f"Kept, {split}" for split in SPLITS), "Dropped so far")
CSV_COLUMNS = ("dataset", "stage", "split", "total", "kept", "dropped")
CAPTION = "Clips kept of those annotated, by dataset, stage and split."


class Counts(Part):
    """The clips of a split after a stage."""

    total: int
    kept: int
    dropped: dict[str, int]


class Step(Part):
    """A dataset after a stage; `dropped` are those of this stage and all before it."""

    dataset: str
    stage: str
    splits: dict[str, Counts]

    @property
    def dropped(self) -> dict[str, int]:
        """Dropped clips of all splits by reason, the most frequent first."""
        sums: Counter[str] = Counter()
        for counts in self.splits.values():
            sums.update(counts.dropped)
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    @property
    def texts(self) -> list[str]:
        """The row as people read it."""
        found = [self.splits.get(name) for name in SPLITS]
        kept = [f"{counts.kept} of {counts.total}" if counts else "-" for counts in found]
        return [self.dataset, self.stage, *kept, ", ".join(f"{why} {n}" for why, n in self.dropped.items()) or "none"]


class FunnelTable(Part):
    """Datasets × stages."""

    format: Literal[1] = 1
    table: Literal["funnel"] = "funnel"
    kind: Literal["funnel"] = "funnel"
    rows: tuple[Step, ...]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--funnel", type=input_file, required=True, help="funnel.json")
    forms = f"outputs: the form follows from the ending, {', '.join(FORMS)}"
    parser.add_argument("--out", required=True, nargs="+", help=forms)


def run(arguments: argparse.Namespace) -> None:
    """Write the funnel's table in the forms asked for.

    Raises:
        InputError: as `read_funnel` and `write_forms`.
    """
    table = read_funnel(arguments.funnel)
    write_forms(arguments.out, {suffix: partial(form, table) for suffix, form in FORMS.items()})
    log.info("funnel_table: %d rows", len(table.rows))


def read_funnel(path: str | Path) -> FunnelTable:
    """Return the table of a funnel.json; stages in the order in which they run, those that are none left out.

    Raises:
        InputError: the file holds no counts of datasets, stages and splits.
    """
    try:
        said = TypeAdapter(dict[str, dict[str, dict[str, Counts]]]).validate_json(Path(path).read_bytes())
    except ValidationError as error:
        raise InputError(f"{path} is no funnel.json: rerun the stage funnel") from error
    rows = [
        Step(dataset=dataset, stage=stage, splits=stages[stage])
        for dataset, stages in said.items()
        for stage in STAGES
        if stage in stages
    ]
    return FunnelTable(rows=tuple(rows))


def _to_json(table: FunnelTable) -> str:
    return table.model_dump_json(indent=1) + "\n"


def _to_markdown(table: FunnelTable) -> str:
    lines = [[*map(markdown.escape, step.texts)] for step in table.rows]
    return "\n".join(["# funnel", "", CAPTION, "", *markdown.grid(HEADINGS, lines)]) + "\n"


def _to_csv(table: FunnelTable) -> str:
    lines = [
        (step.dataset, step.stage, split, counts.total, counts.kept, json.dumps(counts.dropped))
        for step in table.rows
        for split, counts in step.splits.items()
    ]
    return write_lines(CSV_COLUMNS, lines)


def _to_latex(table: FunnelTable) -> str:
    headings = [rf"\textbf{{{latex.escape_latex(heading)}}}" for heading in HEADINGS]
    lines = [[*map(latex.escape_latex, step.texts)] for step in table.rows]
    body = latex.tabular([headings], lines, f"ll{'r' * len(SPLITS)}l")
    return "\n".join([*latex.floating(CAPTION, "funnel", body), ""])


FORMS: Mapping[str, object] = {".json": _to_json, ".md": _to_markdown, ".csv": _to_csv, ".tex": _to_latex}

"""Write a dataset's tables: the comparison of all methods, and the ablations beside the baseline.

Reads   the rows of scores of every method, and of every seed that it was trained with: DATASET/RUN.parquet, and beside
        it RUN.features.npz, from which Fréchet distances are made, and RUN.run.json (files only)
Writes  each table as JSON (`table.py`), from which the other forms are made: Markdown, csv, LaTeX
"""

import argparse
import logging
from functools import partial

from tavce.config import parse_sections
from tavce.evaluate.assemble import Wanted, make_tables, read_all
from tavce.evaluate.forms import write_forms
from tavce.evaluate.latex import to_latex
from tavce.evaluate.markdown import to_markdown
from tavce.evaluate.spreadsheet import to_csv
from tavce.evaluate.table import to_json
from tavce.files import input_file
from tavce.measure.rows import parse_labels

log = logging.getLogger(__name__)
FORMS = {".json": to_json, ".md": to_markdown, ".csv": to_csv, ".tex": to_latex}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument(
        "--scores", type=input_file, required=True, nargs="+", help="rows of scores, one RUN.parquet a run"
    )
    parser.add_argument("--labels", required=True, help="method → label, in the order of the rows, JSON")
    parser.add_argument("--ablations", nargs="*", default=[], help="methods that are in the ablation table alone")
    parser.add_argument("--dataset", required=True)
    forms = f"outputs: the form follows from the ending, {', '.join(FORMS)}"
    parser.add_argument("--comparison", required=True, nargs="+", help=forms)
    parser.add_argument("--ablation-table", required=True, nargs="+", help=forms)


def run(arguments: argparse.Namespace) -> None:
    """Write one dataset's two tables in the forms asked for.

    Raises:
        InputError: as `read_all`, `make_tables` and `write_forms`.
    """
    sections = parse_sections(arguments.settings)
    labels = parse_labels(arguments.labels)
    wanted = Wanted(labels, arguments.ablations, sections["tables"], sections["quoted"])
    made = make_tables(read_all(arguments.dataset, arguments.scores), wanted)
    for table, paths in zip(made, (arguments.comparison, arguments.ablation_table), strict=True):
        write_forms(paths, {suffix: partial(form, table) for suffix, form in FORMS.items()})
        log.info("tables: %s, %d rows, %d metrics with a number", table.table, len(table.rows), len(table.shown))

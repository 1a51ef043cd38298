"""Count the clips of every stage: kept, and dropped by reason. The counts of every stage add up to the sheet.

Reads   the sheets and the records of all shards
Writes  funnel.json {dataset: {stage: {split: {total, kept, dropped: {reason: n}}}}} and dropped.tsv, one line a clip
"""

import argparse
import logging
from pathlib import Path

from tavce.data.counts import count, table
from tavce.files import write_json, write_text

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--results", default="results", help="folder of results")
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--out", required=True, help="funnel.json")
    parser.add_argument("--dropped", required=True, help="dropped.tsv")


def run(arguments: argparse.Namespace) -> None:
    """Count the clips of all datasets.

    Raises:
        InputError: a stage does not account for every clip of the sheet.
    """
    funnel, lines = {}, ["dataset\tclip\tspeaker\tstage\treason\tdetail"]
    for dataset in arguments.datasets:
        root = Path(arguments.results) / dataset
        funnel[dataset], lost = count(root)
        lines += lost
    write_json(arguments.out, funnel)
    write_text(arguments.dropped, "\n".join(lines) + "\n")
    log.info("clips left:\n%s", table(funnel))

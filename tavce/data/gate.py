"""Stop before learning when too few clips are left, and say where they went.

Reads   funnel.json
Writes  gate.json: the clips left by dataset and split
"""

import argparse

from tavce.config import parse_sections
from tavce.data.counts import table
from tavce.files import input_file, read_json, write_json
from tavce.records import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--funnel", type=input_file, required=True)
    parser.add_argument("--train", nargs="*", default=[], help="datasets that are trained on")
    parser.add_argument("--evaluate", nargs="*", default=[], help="datasets that are in the tables")
    parser.add_argument("--out", required=True)


def run(arguments: argparse.Namespace) -> None:
    """Write how many clips are left.

    Raises:
        InputError: fewer than a setting of `gate` asks for; names split, setting, and the funnel.
    """
    settings = parse_sections(arguments.settings)["gate"]
    funnel = read_json(arguments.funnel)
    left = {}
    for split, datasets in (("train", arguments.train), ("val", arguments.train), ("test", arguments.evaluate)):
        left[split] = sum(funnel[name]["index"].get(split, {"kept": 0})["kept"] for name in datasets)
        wanted = getattr(settings, split)
        if left[split] < wanted:
            raise InputError(
                f"{left[split]} {split} clips are left of {_total(funnel, split, datasets)} in "
                f"{', '.join(datasets) or 'no dataset'}, gate.{split} asks for {wanted}.\n{table(funnel)}\n"
                "results/funnel/dropped.tsv has every lost clip. Where the sheet has too few, change "
                f"corpora.NAME.split or name a split in the TSV; else lower gate.{split}."
            )
    write_json(arguments.out, left)


def _total(funnel: dict, split: str, datasets: list[str]) -> int:
    return sum(funnel[name]["sheet"].get(split, {"total": 0})["total"] for name in datasets)

"""Write the card of a dataset: what it is, what of it exists today, what was dropped and why, and how it was made.

Reads   the sheet, the records of every stage, split/SHA256SUMS, and the ledger of its downloads
Writes  card.json and card.md, and survival.tsv: one line a video, with what became of it
"""

import argparse
import hashlib
import json
import platform
from collections import Counter
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import jinja2

from tavce import media
from tavce.card.facts import Facts
from tavce.config import parse_sections
from tavce.data.counts import shards
from tavce.files import write_json, write_text

TOOLS = ("tavce", "yt-dlp", "av", "numpy", "opencv-python-headless", "h5py")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--root", required=True, help="the dataset's folder of results")
    parser.add_argument("--ledger", required=True, help="folder of the ledgers of its downloads")
    parser.add_argument("--card", required=True, help="card.json")
    parser.add_argument("--text", required=True, help="card.md")
    parser.add_argument("--survival", required=True, help="survival.tsv")


def run(arguments: argparse.Namespace) -> None:
    """Write the card of one dataset.

    Raises:
        InputError: a stage does not account for every clip of the sheet.
    """
    settings = parse_sections(arguments.settings)
    root = Path(arguments.root)
    facts, survival, kept = Facts(settings["trim"].rate_hz), Survival(), Lists()
    for shard in shards(root):
        facts.add(shard)
        survival.add(shard)
        kept.add(shard)
    card = {
        "dataset": root.name,
        "made": datetime.now(timezone.utc).date().isoformat(),
        "corpus": settings["corpus"].model_dump(mode="json"),
        **facts.as_json(settings["corpus"].SPEAKERS_KNOWN),
        "survival": survival.as_json(),
        "splits": kept.digests(read_sums(root / "split" / "SHA256SUMS")),
        "archives": archives(settings["corpus"]),
        "tools": tools(),
        "settings": json.loads(arguments.settings),
    }
    write_text(arguments.survival, survival.table())
    write_text(arguments.text, text(card))
    write_json(arguments.card, card)

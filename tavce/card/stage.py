"""Write the card of a dataset: what it is, what of it exists today, what was dropped and why, and how it was made.

Reads   the sheet, the records of every stage, the lists in split/, the ledgers of its downloads, and what
        `tavce archives` noted
Writes  card.json and card.md, and survival.tsv: one line a video, with what became of it
"""

import argparse
import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tavce import __version__, media
from tavce.card.facts import Facts
from tavce.card.lists import Lists
from tavce.card.survival import Asked, Survival
from tavce.card.text import render
from tavce.config import parse_sections
from tavce.config.corpora import Corpus
from tavce.data.counts import shards
from tavce.fetch import ledger
from tavce.files import input_file, read_json, write_json, write_text

LIBRARIES = ("yt-dlp", "av", "numpy", "opencv-python-headless", "h5py")
ARCHIVED = {"voxceleb1": "VoxCeleb1", "voxceleb2": "VoxCeleb2", "lrw": "LRW"}  # as workflow/config/archives.yaml says
NOTES, ABOVE = "archives.json", 4  # folders that are looked into: lipread_mp4 lies two below what --out names


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument(
        "--records", type=input_file, required=True, help="index.jsonl, in the dataset's folder of results"
    )
    parser.add_argument("--ledger", required=True, help="folder of the ledgers of its downloads")
    parser.add_argument("--archives", required=True, help="archives.json of `tavce archives`; it need not be there")
    parser.add_argument("--card", required=True, help="card.json")
    parser.add_argument("--text", required=True, help="card.md")
    parser.add_argument("--survival", required=True, help="survival.tsv")


def run(arguments: argparse.Namespace) -> None:
    """Write the card of one dataset.

    Raises:
        InputError: a stage does not account for every clip of the sheet.
    """
    settings = parse_sections(arguments.settings)
    root = Path(arguments.records).parent
    facts, survival, lists = Facts(settings["trim"].rate_hz), Survival(_asked(Path(arguments.ledger))), Lists()
    for shard in shards(root):
        for counted in (facts, survival, lists):
            counted.add(shard)
    corpus = settings["corpus"]
    card = {
        "dataset": root.name,
        "made": datetime.now(UTC).date().isoformat(),
        **facts.as_json(corpus.SPEAKERS_KNOWN),
        "survival": survival.as_json(),
        "splits": lists.as_json(root / "split"),
        "archives": _archives(corpus, Path(arguments.archives)),
        "tools": _versions(),
        "settings": json.loads(arguments.settings),
    }
    write_text(arguments.survival, survival.table())
    write_text(arguments.text, render(card))
    write_json(arguments.card, card)


def _asked(folder: Path) -> dict[str, Asked]:
    """Return when, and by which yt-dlp, every video was asked for the last time."""
    entries = [
        entry for path in sorted(folder.glob("*.jsonl")) for entry in ledger.outcomes(ledger.read(path)).values()
    ]
    return {entry.video_id: Asked(entry.at[:10], entry.yt_dlp or "unknown") for entry in entries if entry.attempts}


def _archives(corpus: Corpus, notes: Path) -> dict[str, object]:
    """Return what `tavce archives` has found out about the archives of a corpus: in `notes`, or above its source."""
    source = Path(getattr(corpus, "source", "")).expanduser().absolute()
    files = [folder / NOTES for folder in [source, *source.parents][:ABOVE] if corpus.reader in ARCHIVED]
    said = {name: archive for file in (*files, notes) if file.is_file() for name, archive in read_json(file).items()}
    return {name: archive for name, archive in said.items() if archive["corpus"] == ARCHIVED.get(corpus.reader)}


def _versions() -> dict[str, str]:
    tools = {"tavce": __version__, "python": platform.python_version(), "ffmpeg": media.ffmpeg_version()}
    return {**tools, **{name: version(name) for name in LIBRARIES}}

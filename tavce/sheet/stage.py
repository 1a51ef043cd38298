"""Write the shard tables of every corpus, before Snakemake builds its DAG.

Reads   a corpus' own files, through its module (`rows(source)`)
Writes  results/{dataset}/sheet/{shard}.jsonl, `records.Row` lines, and results/{dataset}/split/, its lists (tables.py);
        results/leaks/leaks.tsv, the speakers and videos that corpora put into more than one split (leaks.py)
Every start of Snakemake comes through here. So a corpus is read again only where its table or archive, a file right in
its folder, or its settings changed; one whose rows are local files of the user's is looked at every time.
"""

import argparse
import importlib
import shutil
import tempfile
import time
from pathlib import Path

from tavce.config import parse_sections
from tavce.corpora.source import Source
from tavce.files import digest, write_text
from tavce.sheet import leaks
from tavce.sheet.draft import Draft
from tavce.sheet.tables import Tables
from tavce.stages import STAGES

DRAFTS = ".sheet-"
DAY_S = 86_400
READERS = {
    "folder": "tavce.corpora.folder",
    "demo": "tavce.corpora.demo",
    "voxceleb1": "tavce.corpora.voxceleb",
    "voxceleb2": "tavce.corpora.voxceleb",
    "vox_metadata": "tavce.corpora.vox_metadata",
    "hdtf": "tavce.corpora.hdtf",
    "lrw": "tavce.corpora.lrw",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--results", default="results", help="folder of results")


def run(arguments: argparse.Namespace) -> None:
    """Write the sheets of all corpora.

    Raises:
        InputError: a corpus cannot be read, rows contradict each other, or a speaker or video leaks (`leaks: stop`).
    """
    settings = parse_sections(arguments.settings)
    results = Path(arguments.results)
    results.mkdir(parents=True, exist_ok=True)
    _clear(results)
    with tempfile.TemporaryDirectory(dir=results, prefix=DRAFTS) as drafts:
        sheets = []
        for dataset, corpus in settings["corpora"].items():
            source = Source(dataset, corpus, settings["trim"].rate_hz)
            sheets.append(Sheet(source, Tables(results / dataset, source), Path(drafts) / dataset))
        decisions = _decide(sheets, settings["leaks"], results / "leaks")
        for sheet in sheets:
            sheet.write(decisions.get(sheet.source.dataset, {}) if decisions is not None else None)


def _clear(results: Path) -> None:
    """Remove the drafts of commands that were killed."""
    for left in results.glob(f"{DRAFTS}*"):
        if time.time() - left.stat().st_mtime > DAY_S:
            shutil.rmtree(left, ignore_errors=True)


class Sheet:
    """One corpus of the run: its tables, and its draft where they may have to be written."""

    def __init__(self, source: Source, tables: Tables, folder: Path):
        self.source = source
        self._tables = tables
        self._folder = folder
        self._draft = None if tables.current else self._read()

    @property
    def listing(self) -> leaks.Listing:
        """The groups of its clips."""
        return self._tables.listing(self._draft)

    @property
    def key(self) -> list[object]:
        """What leaks of this corpus depend on."""
        return self._tables.key(self._draft)

    @property
    def settled(self) -> bool:
        """Whether its tables can be written without looking for leaks, where there are those of the last time."""
        return self._draft is None or self._tables.decided({})

    def write(self, decisions: dict[leaks.Group, leaks.Decision] | None) -> None:
        """Write the tables where they are not what they should be; None = what was decided the last time holds."""
        if self._draft is None and (decisions is None or self._tables.decided(decisions)):
            return
        self._tables.write(self._draft or self._read(), decisions or {})

    def _read(self) -> Draft:
        reader = importlib.import_module(READERS[self.source.corpus.reader])
        return Draft(self.source, self._folder).take(reader.rows(self.source))


def _decide(sheets: list[Sheet], policy: str, folder: Path) -> leaks.Decisions | None:
    """Return what becomes of the clips that leak, and write where they stand; None = as the last time."""
    origin = folder / "origin.txt"
    key = digest([policy, STAGES["sheet"].version, [sheet.key for sheet in sheets]])
    same = origin.is_file() and origin.read_text(encoding="utf-8") == key
    if same and all(sheet.settled for sheet in sheets):
        return None
    origin.unlink(missing_ok=True)
    listings = [sheet.listing for sheet in sheets]
    places = leaks.find(listings)
    table = folder / "leaks.tsv"
    write_text(table, "\n".join([leaks.COLUMNS, *(place.line() for place in places)]) + "\n")
    if policy == "stop":
        leaks.refuse(places, str(table))
    write_text(origin, key)
    return leaks.RESOLVE[policy](listings) if places else {}

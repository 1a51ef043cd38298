"""Write the shard tables of every corpus, before Snakemake builds its DAG.

Reads   a corpus' own files, through its module (`rows(source)`)
Writes  results/{dataset}/sheet/{shard}.jsonl, `records.Row` lines; a table whose rows did not change is not touched
Where no row depends on a file of its own, as those of urls do not, the corpus is read again only when its table or
settings changed: a million rows take half a minute, and every start of Snakemake comes through here.
"""

import argparse
import importlib
import logging
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tavce.config import parse_sections
from tavce.config.corpora import AnyCorpus
from tavce.files import digest, write_text
from tavce.records import InputError, Row
from tavce.shards import shard_names, shard_of
from tavce.sheet.source import Source
from tavce.stages import STAGES

log = logging.getLogger(__name__)
READERS = {
    "folder": "tavce.sheet.folder",
    "demo": "tavce.sheet.demo",
    "voxceleb1": "tavce.sheet.voxceleb",
    "voxceleb2": "tavce.sheet.voxceleb",
    "vox_metadata": "tavce.sheet.vox_metadata",
    "hdtf": "tavce.sheet.hdtf",
    "lrw": "tavce.sheet.lrw",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--results", default="results", help="folder of results")


def run(arguments: argparse.Namespace) -> None:
    """Write the sheets of all corpora."""
    settings = parse_sections(arguments.settings)
    rate_hz = settings["trim"].rate_hz
    for dataset, corpus in settings["corpora"].items():
        folder = Path(arguments.results) / dataset / "sheet"
        origin = Origin(folder / "origin.txt", _origin(corpus, rate_hz))
        if origin.same and all((folder / f"{name}.jsonl").is_file() for name in shard_names(corpus.shards)):
            continue
        rows = list(importlib.import_module(READERS[corpus.reader]).rows(Source(dataset, corpus, rate_hz)))
        check(dataset, rows)
        origin.forget()
        write(folder, corpus, rows)
        if all(not row.stamp and row.reason is None for row in rows):
            origin.note()


@dataclass(frozen=True)
class Origin:
    """What a corpus' tables were made from, and where that is noted."""

    path: Path
    key: str

    @property
    def same(self) -> bool:
        """Whether the tables that are there were made from the same."""
        return self.path.is_file() and self.path.read_text(encoding="utf-8") == self.key

    def note(self) -> None:
        """Say that the tables are made from it, all of them."""
        write_text(self.path, self.key)

    def forget(self) -> None:
        """Say nothing of the tables any more."""
        self.path.unlink(missing_ok=True)


def _origin(corpus: AnyCorpus, rate_hz: int) -> str:
    """Return what identifies a corpus' settings, its own file, and this code."""
    source = Path(getattr(corpus, "source", "")).expanduser()
    status = source.stat() if source.is_file() else None
    file = None if status is None else [str(source.resolve()), status.st_size, status.st_mtime_ns]
    return digest([corpus.model_dump(mode="json"), rate_hz, STAGES["sheet"].version, file])


def check(dataset: str, rows: list[Row]) -> None:
    """Refuse a sheet that would lose clips or leak speakers.

    Raises:
        InputError: two rows share a clip id, a video id stands for two sources, or a speaker is in two splits.
    """
    seen: dict[str, Row] = {}
    sources: dict[str, Row] = {}
    splits: dict[str, Row] = {}
    for row in rows:
        if (other := seen.setdefault(row.clip_id, row)) is not row:
            raise InputError(
                f"corpus {dataset}: clip id '{row.clip_id}' stands for {other.source} and for {row.source}: "
                "rename a file, or give both lines a clip_id of their own"
            )
        if (other := sources.setdefault(row.video_id, row)).source != row.source:
            raise InputError(
                f"corpus {dataset}: video id '{row.video_id}' stands for {other.source} and for {row.source}: "
                "give each video an id of its own, or none"
            )
        if (other := splits.setdefault(row.speaker, row)).split != row.split:
            raise InputError(
                f"corpus {dataset}: speaker '{row.speaker}' is in {other.split} ({other.clip_id}) and in {row.split} "
                f"({row.clip_id}): a speaker belongs to one split"
            )


def write(folder: Path, corpus: AnyCorpus, rows: list[Row]) -> None:
    """Write one table a shard, and touch only those whose rows changed."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        tables[shard_of(row.video_id, corpus.shards)].append(row)
    names = shard_names(corpus.shards)
    changed = 0
    for name in names:
        path = folder / f"{name}.jsonl"
        text = "".join(row.model_dump_json() + "\n" for row in tables[name])
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            changed += 1
    for path in folder.glob("*.jsonl"):
        if path.stem not in names:
            path.unlink()
    if changed:
        log.info("%s: %d clips, %d of %d tables changed", folder, len(rows), changed, corpus.shards)

"""Write the shard tables of every corpus, before Snakemake builds its DAG.

Reads   a corpus' own files, through its module (`rows(dataset, corpus, rate_hz)`)
Writes  results/{dataset}/sheet/{shard}.jsonl, `records.Row` lines; a table whose rows did not change is not touched
"""

import argparse
import importlib
import logging
from collections import defaultdict
from pathlib import Path

from tavce.config import parse_sections
from tavce.config.data import AnyCorpus
from tavce.files import write_text
from tavce.records import InputError, Row
from tavce.shards import shard_names, shard_of

log = logging.getLogger(__name__)
READERS = {"folder": "tavce.sheet.folder", "demo": "tavce.sheet.demo"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--results", default="results", help="folder of results")


def run(arguments: argparse.Namespace) -> None:
    """Write the sheets of all corpora."""
    settings = parse_sections(arguments.settings)
    for dataset, corpus in settings["corpora"].items():
        reader = importlib.import_module(READERS[corpus.reader])
        rows = list(reader.rows(dataset, corpus, settings["trim"].rate_hz))
        check(dataset, rows)
        write(Path(arguments.results) / dataset / "sheet", corpus, rows)


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

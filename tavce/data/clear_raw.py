"""Remove a shard's downloads once its clips are cut: where the disk is too small to keep them (`download.keep_raw`).

Reads   the shard's records of `download` and of `trim`, which must be there: what is cut needs no download any more
Removes the files that `download` fetched into `--raw`; never a file of the user's, wherever it lies
Writes  which files these are; and, before it removes one, a mark in `--raw` by which `trim` knows where they went. A
        killed run is done again, and gives the same.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from tavce.fetch.raw import mark_cleared
from tavce.files import input_file, write_json
from tavce.records import ClipRecord, InputError, read_records

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--downloaded", type=input_file, required=True, help="the shard's records of download")
    parser.add_argument("--trimmed", type=input_file, required=True, help="the shard's records of trim")
    parser.add_argument("--raw", required=True, help="folder of downloaded videos")
    parser.add_argument("--listing", required=True, help="where to write what was removed, .json")


def run(arguments: argparse.Namespace) -> None:
    """Remove the downloads of one shard.

    Raises:
        InputError: the records are not of one shard.
    """
    downloaded, trimmed = read_records(arguments.downloaded), read_records(arguments.trimmed)
    if [record.clip_id for record in downloaded] != [record.clip_id for record in trimmed]:
        raise InputError(f"{arguments.trimmed} is not of the shard {arguments.downloaded}: rerun trim")
    files = fetched(downloaded, Path(arguments.raw))
    if files:
        shard = Path(arguments.downloaded).stem
        mark_cleared(Path(arguments.raw), downloaded[0].dataset, shard, [path.name for path in files])
    for path in files:
        path.unlink(missing_ok=True)
    total_bytes = sum(files.values())
    write_json(arguments.listing, {"removed": sorted(map(str, files)), "bytes": total_bytes})
    log.info("clear_raw: removed %d downloads, %.1f MB", len(files), total_bytes / 1e6)


def fetched(records: Sequence[ClipRecord], raw: Path) -> dict[Path, int]:
    """Return the files that were fetched into the folder, and their sizes in bytes, there or not."""
    found = {}
    for record in records:
        if "fetched" in record.numbers:
            path = Path(str(record.numbers["path"]))
            if path.resolve().is_relative_to(raw.resolve()):
                found[path] = int(record.numbers["bytes"] or 0)
    return found

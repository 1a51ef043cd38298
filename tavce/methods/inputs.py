"""Write what another method needs to make its videos of a dataset's test clips, on the crops that all methods get.

Reads   the dataset's index and the shards that it names
Writes  {out}/CLIP_ID/portrait.png, the crop's first frame at synthesise.image_px; {out}/CLIP_ID/audio.wav, the clip's
        sound; {out}/clips.tsv, which lists them
"""

import argparse
import logging
from pathlib import Path

from tavce.dataset import Entry, read_index
from tavce.files import write_text
from tavce.methods.given import AUDIO, PORTRAIT, Given
from tavce.progress import progress
from tavce.records import InputError

log = logging.getLogger(__name__)

TABLE = "clips.tsv"
COLUMNS = "\t".join(("clip_id", "portrait", "audio", "frames", "seconds", "speaker"))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--dataset", required=True, help="the corpus' name")
    parser.add_argument("--results", default="results", help="where the datasets lie (default: results)")
    parser.add_argument("--out", required=True, help="a folder: empty, not there yet, or one that this command wrote")


def run(arguments: argparse.Namespace) -> None:
    """Write portrait and sound of every test clip that was kept.

    Raises:
        InputError: the dataset has no index or no test clip, or the folder holds something else.
    """
    index = Path(arguments.results) / arguments.dataset / "index.parquet"
    if not index.is_file():
        raise InputError(f"{index} is not there: run the target `data`, or correct --results and --dataset")
    folder = Path(arguments.out)
    _require_ours(folder)
    given = Given.of(arguments.settings)
    entries = read_index([str(index)], "test")
    lines = [_line(entry, given.rate_hz) for entry in entries]
    # the table first: a command that was killed is known by it, and goes on in its folder
    write_text(folder / TABLE, "\n".join([COLUMNS, *lines]) + "\n")
    for entry in progress(entries, "inputs"):
        given.write(entry, folder / entry.clip_id)
    log.info("inputs: %d clips in %s", len(entries), folder)


def _require_ours(folder: Path) -> None:
    """Make sure that nobody else's files are in a folder.

    Raises:
        InputError: it is a file, or it holds files and not our table.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder with --out")
    table = folder / TABLE
    ours = table.is_file() and table.read_bytes().startswith(COLUMNS.encode())
    if not ours and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} holds files, and no {TABLE} of this command: name an empty folder with --out")


def _line(entry: Entry, rate_hz: int) -> str:
    paths = (f"{entry.clip_id}/{name}" for name in (PORTRAIT, AUDIO))
    return "\t".join((entry.clip_id, *paths, str(entry.frames), f"{entry.frames / rate_hz:.2f}", entry.speaker))

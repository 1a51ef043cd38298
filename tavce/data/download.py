"""Fetch the videos of a shard, or find them on this machine.

Reads   the sheet: `source` is a url, a local path, or `served:NAME` (the demo: a file of the folder `--serve`,
        fetched over HTTP from a server that lives as long as this stage)
Writes  store/raw/{dataset}/{video_id}.* and the shard's journal (neither declared to Snakemake: a killed run
        resumes), and one record a clip: the `path` of its video and, of a fetched one, `bytes`, `height_px`, yt-dlp's
        `format` and version, and the day it was fetched (UTC)
A local file of the user's is used where it lies, never moved. A download that is no video goes to quarantine.
"""

import argparse
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tavce import media
from tavce.config.data import Download
from tavce.data.clips import Result, Shard, open_job, run_shard, shard_arguments
from tavce.fetch import access
from tavce.fetch.fetcher import Fetcher, Outcome, Places, Video
from tavce.fetch.ledger import Ledger
from tavce.fetch.server import REMOTE, SERVED, serve
from tavce.fetch.verdicts import Verdicts, retry_reasons
from tavce.records import ClipError, ClipRecord, Reason, Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser, out=False)
    parser.add_argument("--raw", required=True, help="folder of downloaded videos")
    parser.add_argument("--quarantine", required=True, help="folder for downloads that are no videos")
    parser.add_argument("--ledger", required=True, help="the shard's journal of downloads, .jsonl, added to")
    parser.add_argument("--hosts", required=True, help="folder where all jobs note which host may be asked when")
    parser.add_argument("--serve", help="folder that `served:` sources are fetched from, over HTTP")
    parser.add_argument(
        "--retry-reason",
        action="append",
        default=[],
        metavar="REASON",
        help="of lost videos, ask for those alone that were lost for this (also: TAVCE_RETRY_REASON)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Fetch the videos of one shard.

    Raises:
        InputError: the cookies, the proxy or a reason cannot be used.
    """
    job = open_job("download", arguments)
    settings = job.settings["download"]
    verdicts = Verdicts(settings.recheck_days, retry_reasons(arguments.retry_reason))
    places = Places(Path(arguments.raw), Path(arguments.quarantine), Path(arguments.hosts))
    with (
        Ledger(arguments.ledger) as ledger,
        serve(arguments.serve) if arguments.serve else contextlib.nullcontext() as base_url,
    ):
        fetcher = Fetcher(settings, places, ledger, verdicts, access.from_environment())
        outcomes = fetcher.fetch(videos(job, base_url, arguments.serve))
    run_shard(job, lambda _: contextlib.nullcontext(Finder(settings, outcomes)))


def videos(job: Shard, base_url: str | None, served: str | None) -> list[Video]:
    """Return the videos of a shard's usable rows that are to be fetched, each once, in the sheet's order."""
    rows = [row for row, before in zip(job.rows, job.before, strict=True) if before.kept]
    found = {}
    for row in rows:
        if row.source.startswith(SERVED):
            name = row.source.removeprefix(SERVED)
            original = Path(served or "", name)
            found.setdefault(row.video_id, Video(row.video_id, row.source, f"{base_url}/{quote(name)}", original))
        elif row.source.startswith(REMOTE):
            found.setdefault(row.video_id, Video(row.video_id, row.source, row.source))
    return [*found.values()]


@dataclass(frozen=True)
class Finder:
    """Finds one clip's video among those that were fetched, or where the user keeps it."""

    settings: Download
    outcomes: Mapping[str, Outcome]

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return where the clip's video lies.

        Raises:
            ClipError: why it could not be fetched; `missing_file`, `empty_file` or `not_a_video` of a local one;
                `no_format` where it has fewer lines than `min_height_px`.
        """
        if not row.source.startswith(REMOTE):
            media.probe(row.source)
            return Result({"path": row.source})
        outcome = self.outcomes[row.video_id]
        entry, path = outcome.entry, outcome.path
        if path is None:
            raise ClipError(entry.reason, entry.detail)
        if entry.height_px < self.settings.min_height_px:
            raise ClipError(
                Reason.NO_FORMAT,
                f"{path} has {entry.height_px} lines, download.min_height_px is {self.settings.min_height_px}",
            )
        numbers = {"bytes": entry.bytes, "height_px": entry.height_px, "format": entry.format, "yt_dlp": entry.yt_dlp}
        return Result({"path": str(path), **numbers, "fetched": entry.at[:10]})

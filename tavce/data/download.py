"""Fetch the videos of a shard, or find them on this machine.

Reads   the sheet: `source` is a url, a local path, or `served:NAME` (the demo: a file of the folder `--serve`,
        fetched over HTTP from a server that lives as long as this stage)
Writes  store/raw/{dataset}/{video_id}.* (not declared to Snakemake: a killed run resumes), and one record a
        clip with the `path` of its video
A local file of the user's is used where it lies, never moved. A download that is no video goes to quarantine.
"""

import argparse
import contextlib
import filecmp
import functools
import glob
import http.server
import logging
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import yt_dlp

from tavce import media
from tavce.config.data import Download
from tavce.data.clips import Result, open_job, run_shard, shard_arguments
from tavce.files import digest, write_text
from tavce.records import ClipError, ClipRecord, Reason, Row

log = logging.getLogger(__name__)
SERVED = "served:"
POLL_S = 0.05  # how long the server takes to stop
LONGEST_NAME = 180  # of a download, bytes; yt-dlp adds to it while it works


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    shard_arguments(parser, out=False)
    parser.add_argument("--raw", required=True, help="folder of downloaded videos")
    parser.add_argument("--quarantine", required=True, help="folder for downloads that are no videos")
    parser.add_argument("--serve", help="folder that `served:` sources are fetched from, over HTTP")


def run(arguments: argparse.Namespace) -> None:
    """Fetch the videos of one shard."""
    job = open_job("download", arguments)
    with serve(arguments.serve) if arguments.serve else contextlib.nullcontext() as base_url:
        served = Path(arguments.serve) if arguments.serve else None
        places = Places(Path(arguments.raw), Path(arguments.quarantine), base_url, served)
        run_shard(job, Fetcher(job.settings["download"], places))


@dataclass(frozen=True)
class Places:
    """Where videos come from and go to."""

    raw: Path
    quarantine: Path
    base_url: str | None = None
    served: Path | None = None  # the folder behind the url


class Fetcher:
    """Finds one clip's video; clips of one video share one download."""

    def __init__(self, settings: Download, places: Places):
        self._settings = settings
        self._places = places
        self._failed: dict[str, ClipError] = {}

    def __call__(self, row: Row, before: ClipRecord) -> Result:
        """Return where the clip's video lies.

        Raises:
            ClipError: `missing_file`, `download_failed`, `empty_file` or `not_a_video`.
        """
        if not row.source.startswith((SERVED, "http://", "https://")):
            media.probe(row.source)
            return Result({"path": row.source})
        if row.video_id in self._failed:
            raise self._failed[row.video_id]
        try:
            path = self._found(row) or self._fetch(row)
        except ClipError as error:
            self._failed[row.video_id] = error
            raise
        return Result({"path": str(path), "bytes": path.stat().st_size})

    def _stem(self, row: Row) -> str:
        """Return the download's name without suffix, short enough for every file system."""
        name = quote(row.video_id, safe="")
        return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{digest(row.video_id)}"

    def _found(self, row: Row) -> Path | None:
        """Return the finished download of an earlier run.

        yt-dlp's unfinished files have one more dot in their names: `.mp4.part`, `.f137.mp4`, `.temp.mp4`.
        """
        stem = self._stem(row)
        names = sorted(self._places.raw.glob(f"{glob.escape(stem)}.*"))
        path = next((path for path in names if path.stem == stem), None)
        return path if path and self._current(row, path) else None

    def _current(self, row: Row, path: Path) -> bool:
        """Return whether a download is still what its source gives, as far as this machine can tell."""
        if not row.source.startswith(SERVED) or self._places.served is None:
            return True
        served = self._places.served / row.source.removeprefix(SERVED)
        if not served.is_file() or filecmp.cmp(served, path, shallow=False):
            return True
        log.info("%s was rendered anew: fetched again", served)
        path.unlink()
        return False

    def _fetch(self, row: Row) -> Path:
        url = row.source
        if url.startswith(SERVED):
            url = f"{self._places.base_url}/{quote(url.removeprefix(SERVED))}"
        self._places.raw.mkdir(parents=True, exist_ok=True)
        try:
            with yt_dlp.YoutubeDL(self._options(row)) as downloader:
                downloader.extract_info(url)
        except yt_dlp.utils.DownloadError as error:
            raise ClipError(Reason.DOWNLOAD_FAILED, f"{row.source}: {error.msg}") from error
        path = self._found(row)
        if path is None:
            raise ClipError(Reason.DOWNLOAD_FAILED, f"{row.source}: yt-dlp wrote no file")
        try:
            media.probe(path)
        except ClipError as error:
            self._set_aside(path, error)
            raise
        return path

    def _options(self, row: Row) -> dict[str, object]:
        settings = self._settings
        stem = str(self._places.raw / self._stem(row)).replace("%", "%%")
        return {
            "outtmpl": f"{stem}.%(ext)s",
            "format": f"bv*[height<={settings.max_height_px}]+ba/b[height<={settings.max_height_px}]/b",
            "merge_output_format": "mp4",
            "ffmpeg_location": media.ffmpeg_path(),
            "retries": settings.attempts - 1,
            "fragment_retries": settings.attempts - 1,
            "extractor_retries": settings.attempts - 1,
            "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _pause_s),
            "socket_timeout": settings.timeout_s,
            "cachedir": False,
            "noplaylist": True,
            "noprogress": True,
            "quiet": True,
            "logger": log,
            "color": "never",
        }

    def _set_aside(self, path: Path, error: ClipError) -> None:
        self._places.quarantine.mkdir(parents=True, exist_ok=True)
        os.replace(path, self._places.quarantine / path.name)
        write_text(self._places.quarantine / f"{path.name}.txt", f"{error}\n")


def _pause_s(n: int) -> float:
    """Return the pause after the failed try `n`, counted from 0: 1 s, 2 s, 4 s and so on, at most a minute."""
    return min(2.0**n, 60.0)


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:
        log.debug(format, *values)


class _PatientServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        if isinstance(sys.exception(), ConnectionError):  # yt-dlp looks at the first bytes and hangs up
            log.debug("%s hung up", client_address)
        else:
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serve(folder: str) -> Iterator[str]:
    """Serve a folder on 127.0.0.1 for the length of the block; yield the server's base url."""
    handler = functools.partial(_QuietHandler, directory=folder)
    with _PatientServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()

"""The only caller of yt-dlp: one video from its url into a file.

Format  The best picture with sound: a format that has both, or two that are merged; never a silent one where another
        has sound. Of several, the highest up to `max_height_px` lines (where all have more: the lowest), then up to 30
        frames a second, then what decodes fastest: H.264 before VP9 and AV1, AAC sound, MP4.
Speed   A YoutubeDL is made once a thread. A url that is a video's own is fetched without asking what it is
        (tavce/fetch/direct.py); where the answer is a page, yt-dlp looks into it.
"""

import io
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yt_dlp
from yt_dlp.networking import Response
from yt_dlp.utils import YoutubeDLError

from tavce import media
from tavce.config.data import Download
from tavce.fetch import direct, javascript
from tavce.fetch.access import Access
from tavce.fetch.errors import FetchError, explain
from tavce.records import Reason

log = logging.getLogger(__name__)
VERSION = yt_dlp.version.__version__
BLOCK_BYTES = 2**16
UNFORESEEN = (AssertionError, AttributeError, ArithmeticError, LookupError, TypeError, ValueError)
NOT_OVER = {"is_live": "it is live now", "is_upcoming": "it has not begun", "post_live": "it is being processed"}


@dataclass(frozen=True)
class Choice:
    """What is about to be fetched: the format's id, and how many bytes that takes on the disk, as far as is known."""

    format: str
    expected_bytes: int


@dataclass(frozen=True)
class Target:
    """Where a video goes, without suffix, and who is told of its format before the first byte."""

    base: Path
    chosen: Callable[[Choice], None]


class _PageError(YoutubeDLError):
    """A url that ends like a video gives something else."""


class StoppedError(Exception):
    """The job ends: what is being fetched is left as it is."""


class _Messages:
    """The logger that yt-dlp speaks to: keeps a video's warnings, and passes each on once."""

    def __init__(self, access: Access, seen: set[str]):
        self._access = access
        self._seen = seen
        self.warnings: list[str] = []

    def debug(self, text: str) -> None:
        """Leave aside what yt-dlp tells of its progress."""

    def warning(self, text: str) -> None:
        """Keep a warning, which may name the cause of an error that comes later."""
        text = self._access.redact(text)
        self.warnings.append(text)
        if text not in self._seen and javascript.YT_DLP_SAYS not in text:
            self._seen.add(text)
            log.warning("yt-dlp: %s", text)

    def error(self, text: str) -> None:
        """Leave aside what is raised as well."""


class _Downloader(yt_dlp.YoutubeDL):
    """A YoutubeDL that notices where a url that ends like a video gives a page, and that prepares nothing to print."""

    direct = False

    def _forceprint(self, key: str, info_dict: object) -> None:
        """Print nothing: even then yt-dlp would make its tables, seven times a video, which is half of its work."""

    def urlopen(self, req: object) -> Response:
        response = super().urlopen(req)
        kind = response.headers.get("Content-Type", "").lower()
        if self.direct and any(word in kind for word in direct.PAGES):
            response.close()
            raise _PageError(f"{kind} in place of a video")
        return response


class Client:
    """Fetches videos, one at a time: for one thread."""

    def __init__(self, settings: Download, access: Access, stopped: threading.Event, seen: set[str]):
        self._access = access
        self._stopped = stopped
        self._messages = _Messages(access, seen)
        self._target: Target | None = None
        with _MAKING:
            self._downloader = _Downloader(self._options(settings), auto_init=False)
            for extractor in yt_dlp.extractor.gen_extractor_classes():  # thirty times as fast as `auto_init`
                if extractor._ENABLED:
                    self._downloader.add_info_extractor(extractor)

    def close(self) -> None:
        """Close all connections."""
        self._downloader.close()

    def fetch(self, url: str, target: Target) -> tuple[Path, str]:
        """Fetch a video and return its file and its format's id.

        Raises:
            FetchError: why it could not be fetched; and what `target.chosen` raises.
            StoppedError: the job ends.
        """
        self._target = target
        self._messages.warnings.clear()
        self._downloader.params["outtmpl"] = {"default": str(target.base).replace("%", "%%") + ".%(ext)s"}
        try:
            info = self._resume(url)
        except FetchError:
            raise
        except (YoutubeDLError, OSError) as error:
            failure = explain(error, self._messages.warnings)
            raise FetchError(failure.reason, self._access.redact(failure.detail), failure.retry_after_s) from error
        except UNFORESEEN as error:  # an extractor met what its authors have not seen: it costs this video alone
            words = f"yt-dlp {VERSION}: {type(error).__name__}: {error}"
            raise FetchError(Reason.DOWNLOAD_FAILED, self._access.redact(words)) from error
        return self._file(info)

    def _resume(self, url: str) -> Mapping[str, Any] | None:
        """Go on with what is begun; from the start where the server has nothing beyond it.

        So it is where a job was killed between a file's last byte and its new name: yt-dlp then asks for the bytes
        behind its end, is refused (416), and asks the same again.
        """
        try:
            return self._fetch(url)
        except YoutubeDLError as error:
            base = self._target.base
            begun = [path for path in base.parent.glob("*.part") if path.name.startswith(f"{base.name}.")]
            if "HTTP Error 416" not in str(error) or not begun:
                raise
            for path in begun:
                path.unlink()
            return self._fetch(url)

    def _fetch(self, url: str) -> Mapping[str, Any] | None:
        if direct.claims(url):
            self._downloader.direct = True
            try:
                return self._downloader.process_ie_result(direct.describe(url))
            except _PageError:
                log.info("%s ends like a video and is a page: looked into", url)
            finally:
                self._downloader.direct = False
        return self._downloader.extract_info(url)

    def _file(self, info: Mapping[str, Any] | None) -> tuple[Path, str]:
        """Return the file that yt-dlp wrote, the first where a page has several."""
        first = next(iter((info or {}).get("entries") or [info]), None) or {}
        done = next(iter(first.get("requested_downloads") or []), {})
        path = self._target.base.with_name(Path(done.get("filepath") or "none").name)  # yt-dlp's is absolute
        if not done or not path.is_file():
            raise FetchError(Reason.DOWNLOAD_FAILED, "yt-dlp wrote no file")
        return path, str(first.get("format_id") or "")

    def _before(self, info: Mapping[str, Any], *, incomplete: bool) -> None:
        """Look at what yt-dlp is about to fetch (its `match_filter`)."""
        if (status := info.get("live_status")) in NOT_OVER:
            raise FetchError(Reason.DOWNLOAD_FAILED, f"{NOT_OVER[status]}: fetched by a run when it is over")
        if not incomplete and self._target is not None:
            parts = info.get("requested_formats") or [info]
            size = sum(int(part.get("filesize") or part.get("filesize_approx") or 0) for part in parts)
            self._target.chosen(Choice(str(info.get("format_id") or ""), size * (2 if len(parts) > 1 else 1)))

    def _go_on(self, _status: Mapping[str, Any]) -> None:
        if self._stopped.is_set():
            raise StoppedError

    def _options(self, settings: Download) -> dict[str, Any]:
        lines = f"[height>=?{settings.min_height_px}]" if settings.min_height_px else ""
        proxy = {} if self._access.proxy is None else {"proxy": self._access.proxy}
        cookies = {} if self._access.cookies is None else {"cookiefile": io.StringIO(self._access.cookies)}
        return {
            "format": f"bv*{lines}+ba/b{lines}[acodec!=?none]",
            "format_sort": [f"height:{settings.max_height_px}", "fps:30", "vcodec:h264", "acodec:aac", "ext:mp4:m4a"],
            **javascript.options(),
            **proxy,
            **cookies,
            "outtmpl": "%(id)s.%(ext)s",
            "match_filter": self._before,
            "progress_hooks": [self._go_on],
            "merge_output_format": "mp4",
            "ffmpeg_location": media.ffmpeg_path(),
            "retries": 0,
            "fragment_retries": settings.attempts - 1,
            "extractor_retries": min(settings.attempts - 1, 1),
            "retry_sleep_functions": dict.fromkeys(("fragment", "extractor"), pauses(settings)),
            "socket_timeout": settings.timeout_s,
            "buffersize": BLOCK_BYTES,
            "noresizebuffer": True,
            "cachedir": False,
            "noplaylist": True,
            "playlist_items": "1",
            "noprogress": True,
            "progress_delta": 3600.0,
            "quiet": True,
            "logger": self._messages,
            "color": "never",
        }


_MAKING = threading.Lock()  # yt-dlp loads its plug-ins with the first


def pauses(settings: Download) -> Callable[[int], float]:
    """Return the pause in seconds after the failed try `n`, counted from 0: each twice the one before."""
    return lambda n: min(settings.pause_s * 2.0**n, 60.0)


class Clients:
    """One client a thread; all of them are closed in the end."""

    def __init__(self, settings: Download, access: Access, stopped: threading.Event):
        self._settings = settings
        self._access = access
        self._stopped = stopped
        self._seen: set[str] = set()
        self._mine = threading.local()
        self._all: list[Client] = []

    def mine(self) -> Client:
        """Return this thread's client."""
        if not hasattr(self._mine, "client"):
            self._mine.client = Client(self._settings, self._access, self._stopped, self._seen)
            self._all.append(self._mine.client)
        return self._mine.client

    def close(self) -> None:
        """Close the connections of all threads."""
        for client in self._all:
            client.close()

"""From a video's url to its file, or to why there is none; every step leaves a line in the shard's journal."""

import contextlib
import filecmp
import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from tavce import media
from tavce.config.data import Download
from tavce.fetch import javascript, raw
from tavce.fetch.access import Access
from tavce.fetch.client import VERSION, Choice, Clients, StoppedError, Target, pauses
from tavce.fetch.errors import FetchError
from tavce.fetch.hosts import YOUTUBE, Hosts, host_of
from tavce.fetch.ledger import Entry, Ledger, now, stamp
from tavce.fetch.space import Space
from tavce.fetch.verdicts import Verdicts
from tavce.progress import progress
from tavce.records import ClipError, Reason

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Video:
    """One video: what the sheet calls it, and where it is asked for."""

    video_id: str
    source: str  # as the sheet has it
    url: str
    original: Path | None = None  # the file that a server of this job gives: it may be made anew

    @property
    def host(self) -> str:
        """The host that is asked; "" for a server of this job, which bears any pace."""
        return "" if self.original else host_of(self.url)


@dataclass(frozen=True)
class Outcome:
    """What became of a video: its last entry, and its file where there is one."""

    entry: Entry
    path: Path | None = None


@dataclass(frozen=True)
class Places:
    """Where downloads go, and what is known of hosts."""

    raw: Path
    quarantine: Path
    hosts: Path


@dataclass
class Trial:
    """How often a video was asked for in this run, and how that went."""

    attempts: int = 0
    fruitless: int = 0  # in a row
    limited: int = 0
    most_bytes: int = 0
    last: FetchError | None = field(default=None)


class Fetcher:
    """Fetches the videos of one shard; threads may share it."""

    def __init__(self, settings: Download, places: Places, ledger: Ledger, verdicts: Verdicts, access: Access):
        self._settings = settings
        self._quarantine = places.quarantine
        self._ledger = ledger
        self._verdicts = verdicts
        self._stopped = threading.Event()
        self._raw = raw.Raw(places.raw)
        self._hosts = Hosts(places.hosts, settings, self._stopped)
        self._space = Space(places.raw, settings, self._stopped)
        self._clients = {
            served: Clients(settings, Access(proxy="") if served else access, self._stopped) for served in (False, True)
        }
        self._javascript = threading.Event()  # looked for

    def fetch(self, videos: Sequence[Video]) -> dict[str, Outcome]:
        """Return what became of every video, by its id; `concurrency` of them are fetched at once."""
        outcomes = {}
        with self._pool() as pool:
            waiting = {pool.submit(self._outcome, video): video.video_id for video in videos}
            for done in progress(as_completed(waiting), "download: videos", total=len(waiting)):
                outcomes[waiting[done]] = done.result()
        return outcomes

    @contextlib.contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        """Yield a pool whose threads end soon, however the block ends."""
        pool = ThreadPoolExecutor(self._settings.concurrency, "fetch")
        try:
            yield pool
        finally:
            self._stopped.set()
            pool.shutdown(cancel_futures=True)
            for clients in self._clients.values():
                clients.close()

    def _outcome(self, video: Video) -> Outcome:
        entry = self._ledger.outcome(video.video_id)
        path = self._current(video)
        if path is not None and entry is not None and entry.bytes == path.stat().st_size:
            return Outcome(entry, path)
        if path is None and entry is not None and self._verdicts.stands(entry, video.source):
            return Outcome(entry)
        trial = Trial()
        try:
            return self._found(video, path) if path is not None else self._asked(video, trial)
        except ClipError as error:
            log.info("%s: %s", video.video_id, error)
            said = {"reason": error.reason, "detail": f"{video.source}: {error.detail}"}
            return Outcome(self._note(video, "lost", attempts=trial.attempts, yt_dlp=VERSION, **said))

    def _current(self, video: Video) -> Path | None:
        """Return a video's file of an earlier run, unless its original was made anew since."""
        path = self._raw.found(video.video_id)
        if path is None or video.original is None or not video.original.is_file():
            return path
        if filecmp.cmp(video.original, path, shallow=False):
            return path
        log.info("%s was made anew: fetched again", video.original)
        path.unlink()
        return None

    def _found(self, video: Video, path: Path) -> Outcome:
        """Accept a whole file without a line of its own: of a run before there were lines, or one that was killed."""
        begun = self._ledger.started(video.video_id)
        known = {"format": begun.format, "yt_dlp": begun.yt_dlp} if begun and begun.url == video.source else {}
        numbers = self._looked_at(path)
        entry = self._note(video, "found", at=stamp(path.stat().st_mtime), **known, **numbers)
        log.info("%s: found %s, without a line in the journal", video.video_id, path)
        return Outcome(entry, path)

    def _looked_at(self, path: Path) -> dict[str, int]:
        """Return a file's numbers; one that is no video goes to quarantine."""
        try:
            height_px = media.probe(path).height_px
        except ClipError as error:
            raw.set_aside(path, self._quarantine, error)
            raise
        return {"bytes": path.stat().st_size, "height_px": height_px}

    def _asked(self, video: Video, trial: Trial) -> Outcome:
        """Ask for a video as often as the settings allow.

        Raises:
            ClipError: why there is none.
        """
        trial.most_bytes = self._raw.begun_bytes(video.video_id)
        while True:
            asked_at = self._admitted(video, trial)
            trial.attempts += 1
            try:
                path, format_id = self._client(video).fetch(video.url, self._target(video))
                break
            except FetchError as error:
                trial.last = error
                self._bear(video, error, trial, asked_at)
        if video.host:
            self._hosts.welcome(video.host)
        numbers = self._looked_at(path)
        entry = self._note(video, "fetched", attempts=trial.attempts, format=format_id, yt_dlp=VERSION, **numbers)
        return Outcome(entry, path)

    def _admitted(self, video: Video, trial: Trial) -> float:
        """Wait until there is room and the host may be asked; return when that is."""
        try:
            self._space.wait()
            asked_at = self._hosts.take_turn(video.host) if video.host else 0.0
        except FetchError as error:
            raise (trial.last or error) from error
        if self._stopped.is_set():
            raise StoppedError
        return asked_at

    def _bear(self, video: Video, error: FetchError, trial: Trial, asked_at: float) -> None:
        """Prepare for another try, or raise the error where there is none."""
        if error.reason is Reason.RATE_LIMITED and video.host:
            self._hosts.close(video.host, asked_at, error.retry_after_s)
            trial.limited += 1
            if trial.limited > self._settings.closings:
                raise error
            return
        if error.reason is Reason.DISK_FULL:
            self._raw.forget(video.video_id)  # whatever else writes to this disk needs the room more
        if error.reason is not Reason.NETWORK:
            raise error
        have_bytes = self._raw.unfinished_bytes(video.video_id)
        trial.fruitless = 0 if have_bytes > trial.most_bytes else trial.fruitless + 1
        trial.most_bytes = max(have_bytes, trial.most_bytes)
        if trial.fruitless >= self._settings.attempts:
            raise error
        pause_s = pauses(self._settings)(max(trial.fruitless - 1, 0))
        log.info("%s: %s; asked for again in %g s", video.video_id, error, pause_s)
        self._stopped.wait(pause_s)

    def _client(self, video: Video):
        if video.host == YOUTUBE and not self._javascript.is_set():
            self._javascript.set()
            if lacking := javascript.missing():
                log.warning("%s", lacking)
        return self._clients[video.original is not None].mine()

    def _target(self, video: Video) -> Target:
        def chosen(choice: Choice) -> None:
            self._space.wait(choice.expected_bytes)
            self._note(video, "started", format=choice.format, yt_dlp=VERSION)

        return Target(self._raw.base(video.video_id), chosen)

    def _note(self, video: Video, event: str, at: str | None = None, **said: object) -> Entry:
        entry = Entry(video_id=video.video_id, url=video.source, host=video.host, event=event, at=at or now(), **said)
        return self._ledger.add(entry)

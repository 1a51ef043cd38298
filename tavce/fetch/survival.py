"""What is left of a corpus: how many of its videos and clips could be fetched, and why the others could not.

Reads   results/{dataset}/sheet and download, and the journals store/ledger/{dataset}; what is in shards that are not
        downloaded yet counts as never asked for
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tavce.fetch.ledger import read
from tavce.fetch.server import REMOTE
from tavce.records import ClipRecord, Row, read_records, read_rows

REFUSED, HERE, FETCHED, LOST, NEVER_ASKED = "refused", "here", "fetched", "lost", "never_asked"


@dataclass(frozen=True)
class Count:
    """Videos, or clips: the five parts add up to `annotated`."""

    annotated: int
    here: int  # on this machine, so that nothing was fetched
    fetched: int
    never_asked: int  # its host or the disk allowed no request yet
    refused: dict[str, int]  # by the sheet, by reason
    lost: dict[str, int]  # by reason


@dataclass(frozen=True)
class Survival:
    """A corpus' counts; the first and the last day on which a video was fetched; videos by yt-dlp's version."""

    videos: Count
    clips: Count
    first_day: str | None = None
    last_day: str | None = None
    yt_dlp: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Fate:
    kind: str
    reason: str = ""


def survival(results: Path, ledger: Path) -> Survival:
    """Return what is left of a corpus.

    Args:
        results: results/{dataset}.
        ledger: store/ledger/{dataset}, which may not be there: then no video was asked for.
    """
    asked = {
        entry.video_id
        for path in sorted(ledger.glob("*.jsonl"))
        for entry in read(path)
        if entry.attempts or entry.event in ("fetched", "found")
    }
    clips: list[_Fate] = []
    videos: dict[str, _Fate] = {}
    numbers: dict[str, Mapping[str, object]] = {}
    for sheet in sorted((results / "sheet").glob("*.jsonl")):
        rows = read_rows(sheet)
        for row, record in zip(rows, _records(results / "download" / sheet.name, rows), strict=True):
            fate = _fate(row, record, asked)
            clips.append(fate)
            if row.video_id not in videos or videos[row.video_id].kind == REFUSED:
                videos[row.video_id] = fate
            if fate.kind == FETCHED:
                numbers[row.video_id] = record.numbers
    days = sorted(str(said["fetched"]) for said in numbers.values())
    versions = Counter(str(said.get("yt_dlp") or "unknown") for said in numbers.values())
    first, last = (days[0], days[-1]) if days else (None, None)
    return Survival(_count(videos.values()), _count(clips), first, last, dict(sorted(versions.items())))


def _records(path: Path, rows: list[Row]) -> list[ClipRecord | None]:
    """Return a shard's records of `download`; None for rows that came to the sheet since, or where there are none."""
    records = {record.clip_id: record for record in read_records(path)} if path.is_file() else {}
    return [records.get(row.clip_id) for row in rows]


def _fate(row: Row, record: ClipRecord | None, asked: set[str]) -> _Fate:
    if row.reason is not None:
        return _Fate(REFUSED, row.reason)
    remote = row.source.startswith(REMOTE)
    if record is not None and record.kept:
        return _Fate(FETCHED if remote else HERE)
    if record is None or (remote and row.video_id not in asked):
        return _Fate(NEVER_ASKED)
    return _Fate(LOST, record.reason)


def _count(fates: Iterable[_Fate]) -> Count:
    fates = list(fates)
    kinds = Counter(fate.kind for fate in fates)

    def by_reason(kind: str) -> dict[str, int]:
        return dict(sorted(Counter(fate.reason for fate in fates if fate.kind == kind).items()))

    parts = {kind: kinds[kind] for kind in (HERE, FETCHED, NEVER_ASKED)}
    return Count(annotated=len(fates), **parts, refused=by_reason(REFUSED), lost=by_reason(LOST))

"""Facts about what is left of a corpus, in numbers."""

import pytest

from tavce.fetch.ledger import Entry, Ledger
from tavce.fetch.survival import Count, survival
from tavce.records import ClipRecord, Reason, Row, write_lines

URL = "https://videos.example/{}.mp4"


def rows_of(video, clips, source=None, **said):
    base = {
        "dataset": "mine",
        "split": "train",
        "speaker": "s",
        "video_id": video,
        "source": source or URL.format(video),
    }
    return [Row(clip_id=f"{video}_{n}", **base, **said) for n in range(clips)]


def record(row, reason=None, lost_at="download", **numbers):
    said = {name: getattr(row, name) for name in ("clip_id", "dataset", "split", "speaker")}
    return ClipRecord(
        **said, stage="download", version=2, reason=reason, lost_at=lost_at if reason else None, numbers=numbers
    )


def fetched(day, version="2026.10.26"):
    return {"path": "x", "bytes": 1, "yt_dlp": version, "fetched": day}


@pytest.fixture
def places(tmp_path):
    """Two shards that were downloaded and one that was not."""
    results, ledger = tmp_path / "results/mine", tmp_path / "ledger/mine"
    old, new, found = rows_of("old", 3), rows_of("new", 2), rows_of("found", 1)
    private, limited, waiting = rows_of("private", 2), rows_of("limited", 1), rows_of("waiting", 4)
    bad, half = rows_of("bad", 2, reason=Reason.BAD_ANNOTATION), rows_of("old", 1, reason=Reason.DUPLICATE_ROW)
    own, missing = rows_of("own", 1, source="/videos/own.mp4"), rows_of("missing", 1, source="/videos/none.mp4")
    write_lines(results / "sheet/0000.jsonl", half + old + new + bad + own + missing)
    write_lines(
        results / "download/0000.jsonl",
        [record(row, Reason.DUPLICATE_ROW, "sheet") for row in half]
        + [record(row, **fetched("2026-10-30")) for row in old]
        + [record(row, **fetched("2026-11-02", "2026.11.1")) for row in new]
        + [record(row, Reason.BAD_ANNOTATION, "sheet") for row in bad]
        + [record(row, path="/videos/own.mp4") for row in own]
        + [record(row, Reason.MISSING_FILE) for row in missing],
    )
    write_lines(results / "sheet/0001.jsonl", private + limited + found)
    write_lines(
        results / "download/0001.jsonl",
        [record(row, Reason.PRIVATE) for row in private]
        + [record(row, Reason.RATE_LIMITED) for row in limited]
        + [record(row, **{**fetched("2025-01-01"), "yt_dlp": None}) for row in found],
    )
    write_lines(results / "sheet/0002.jsonl", waiting)
    at = {"at": "2026-10-30T12:00:00Z"}
    with Ledger(ledger / "0000.jsonl") as journal:
        for video in ("old", "new"):
            journal.add(Entry(video_id=video, url=URL.format(video), event="fetched", attempts=1, **at))
    with Ledger(ledger / "0001.jsonl") as journal:
        journal.add(Entry(video_id="private", url="u", event="lost", reason="private", attempts=1, **at))
        journal.add(Entry(video_id="private", url="u", event="lost", reason="private", attempts=0, **at))
        journal.add(Entry(video_id="limited", url="u", event="lost", reason="rate_limited", attempts=0, **at))
        journal.add(Entry(video_id="found", url="u", event="found", **at))
    return results, ledger


def test_videos_and_clips_are_counted_by_what_became_of_them(places):
    said = survival(*places)
    assert said.videos == Count(
        annotated=9,
        here=1,
        fetched=3,
        never_asked=2,
        refused={"bad_annotation": 1},
        lost={"missing_file": 1, "private": 1},
    )
    assert said.clips == Count(
        annotated=18,
        here=1,
        fetched=6,
        never_asked=5,
        refused={"bad_annotation": 2, "duplicate_row": 1},
        lost={"missing_file": 1, "private": 2},
    )


def test_the_parts_add_up(places):
    said = survival(*places)
    for count in (said.videos, said.clips):
        parts = count.here + count.fetched + count.never_asked
        assert count.annotated == parts + sum(count.refused.values()) + sum(count.lost.values())


def test_days_and_versions_are_those_of_fetched_videos(places):
    said = survival(*places)
    assert (said.first_day, said.last_day) == ("2025-01-01", "2026-11-02")
    assert said.yt_dlp == {"2026.10.26": 1, "2026.11.1": 1, "unknown": 1}


def test_before_the_first_download_everything_is_still_to_be_asked_for(places, tmp_path):
    results, _ledger = places
    for path in (results / "download").iterdir():
        path.unlink()
    said = survival(results, tmp_path / "none")
    assert (said.videos.never_asked, said.clips.never_asked, said.first_day) == (8, 15, None)

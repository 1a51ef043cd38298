"""Facts about which lost videos are asked for again."""

from datetime import UTC, datetime, timedelta

import pytest

from tavce.fetch.ledger import Entry
from tavce.fetch.verdicts import Verdicts, retry_reasons
from tavce.records import InputError

URL = "https://www.youtube.com/watch?v=aaaaaaaaaaa"
FINAL = ("unavailable", "private", "removed", "geo_blocked", "age_gated")
PASSING = ("rate_limited", "network", "disk_full", "download_failed", "no_format", "not_a_video", "empty_file")


def lost(reason, days=1.0):
    at = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Entry(video_id="a", url=URL, event="lost", at=at, reason=reason)


@pytest.mark.parametrize("reason", FINAL)
def test_what_is_gone_is_asked_for_again_after_some_days(reason):
    assert Verdicts(30).stands(lost(reason, days=29), URL)
    assert not Verdicts(30).stands(lost(reason, days=31), URL)
    assert not Verdicts(0).stands(lost(reason, days=0), URL)


@pytest.mark.parametrize("reason", PASSING)
def test_everything_else_is_asked_for_again_in_every_run(reason):
    assert not Verdicts(30).stands(lost(reason, days=0), URL)


def test_with_a_reason_asked_for_every_other_verdict_stands_however_old():
    only = Verdicts(30, frozenset({"rate_limited"}))
    assert not only.stands(lost("rate_limited"), URL)
    assert only.stands(lost("network"), URL)
    assert only.stands(lost("private", days=999), URL)
    assert not Verdicts(30, frozenset({"private"})).stands(lost("private", days=0), URL)


def test_a_video_that_was_never_asked_for_or_has_another_url_now_is_asked_for():
    for verdicts in (Verdicts(30), Verdicts(30, frozenset({"network"}))):
        assert not verdicts.stands(None, URL)
        assert not verdicts.stands(lost("private"), "https://elsewhere.example/a.mp4")


def test_a_video_that_was_there_and_is_missing_now_is_asked_for():
    fetched = Entry(video_id="a", url=URL, event="fetched", at="2026-10-30T12:00:00Z")
    assert not Verdicts(30, frozenset({"network"})).stands(fetched, URL)


def test_reasons_come_from_the_command_or_the_environment(monkeypatch):
    assert retry_reasons([]) == set()
    assert retry_reasons(["network, private", "removed"]) == {"network", "private", "removed"}
    monkeypatch.setenv("TAVCE_RETRY_REASON", "network,rate_limited")
    assert retry_reasons([]) == {"network", "rate_limited"}
    assert retry_reasons(["private"]) == {"private"}


def test_a_reason_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"--retry-reason netwrk: the reasons are missing_file, .*network"):
        retry_reasons(["netwrk"])

"""Facts about a later run: what is asked for again, what stays as it is, and what a killed run leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bad_server import BadServer, Good, Page, Status, Trickle
from fast_downloads import FAST
from pipeline import Pipeline, row

from tavce.fetch.client import BLOCK_BYTES, VERSION
from tavce.fetch.ledger import read
from tavce.files import sha256

pytestmark = pytest.mark.slow

LOST = {"gone": Status(404), "limited": Status(429), "broken": Status(500), "refused": Status(403), "page": Page()}
REASONS = {
    "gone": "unavailable",
    "limited": "rate_limited",
    "broken": "network",
    "refused": "download_failed",
    "page": "not_a_video",
}
PATIENCE_S = 30


@pytest.fixture
def server(video):
    with BadServer({f"{name}.mp4": behaviour for name, behaviour in {"good": Good(video), **LOST}.items()}) as running:
        yield running


@pytest.fixture
def ran(mine, server):
    """A shard after its first run: one video is there, the others are lost for a reason each."""
    one = mine.with_settings(download={**FAST, "attempts": 1, "closings": 0})
    one.write_rows(*[row(name, server.url_of(f"{name}.mp4"), video_id=name) for name in ("good", *LOST)])
    one.run_all("download")
    assert one.reasons("download") == {"good": None, **REASONS}
    server.asked.clear()
    return one


def asked(server):
    return {name.removesuffix(".mp4") for name, _ in server.asked}


def records_text(pipeline):
    return pipeline.records_path("download").read_text(encoding="utf-8")


def test_a_later_run_asks_for_what_may_have_changed_and_for_nothing_else(ran, server):
    before = records_text(ran)
    ran.run_all("download")
    assert asked(server) == {"limited", "broken", "refused", "page"}
    assert records_text(ran) == before


def test_a_record_names_the_file_as_the_command_names_the_folder_in_every_run(mine, server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = Pipeline(Path(), mine.settings)
    here.write_rows(row("good", server.url_of("good.mp4"), video_id="good"))
    here.run_all("download")
    before = records_text(here)
    assert here.records("download")["good"].numbers["path"] == "raw/good.mp4"
    here.run_all("download")
    assert records_text(here) == before


def test_what_is_gone_is_asked_for_again_when_it_is_time(ran, server, video):
    server.mend(video, "gone.mp4")
    ran.run_all("download")
    assert ran.reasons("download")["gone"] == "unavailable"
    ran.with_settings(download={**FAST, "recheck_days": 0}).run_all("download")
    assert ran.reasons("download")["gone"] is None


@pytest.mark.parametrize("how", ["option", "list", "environment"])
def test_with_a_reason_only_what_was_lost_for_it_is_asked_for(ran, server, monkeypatch, how):
    wanted = {"limited", "gone"} if how == "list" else {"limited"}
    options = {
        "option": ("--retry-reason", "rate_limited"),
        "list": ("--retry-reason", "rate_limited,unavailable"),
        "environment": (),
    }
    if how == "environment":
        monkeypatch.setenv("TAVCE_RETRY_REASON", "rate_limited")
    before = records_text(ran)
    assert ran.run("download", *options[how]) == 0
    assert asked(server) == wanted
    assert records_text(ran) == before


def test_what_works_now_is_fetched_and_the_others_keep_their_verdict(ran, server, video):
    server.mend(video)
    assert ran.run("download", "--retry-reason", "network", "--retry-reason", "rate_limited") == 0
    assert ran.reasons("download") == {"good": None, **REASONS, "limited": None, "broken": None}
    assert asked(server) == {"limited", "broken"}


def test_a_video_that_came_to_the_sheet_since_is_asked_for_whatever_the_reason(ran, server, video):
    server.routes["new.mp4"] = Good(video)
    ran.write_rows(*ran.rows(), row("new", server.url_of("new.mp4"), video_id="new"))
    assert ran.run("download", "--retry-reason", "rate_limited") == 0
    assert asked(server) == {"limited", "new"}
    assert ran.reasons("download")["new"] is None


def test_a_video_whose_url_changed_is_asked_for(ran, server, video):
    server.routes["moved.mp4"] = Good(video)
    changed = [
        one.model_copy(update={"source": server.url_of("moved.mp4")}) if one.video_id == "gone" else one
        for one in ran.rows()
    ]
    ran.write_rows(*changed)
    ran.run_all("download")
    assert ran.reasons("download")["gone"] is None


def test_an_unknown_reason_is_refused(ran, capsys):
    assert ran.run("download", "--retry-reason", "netwrk") == 2
    assert capsys.readouterr().err.startswith("tavce download: --retry-reason netwrk: the reasons are ")


def test_every_attempt_is_in_the_journal_with_its_end(ran):
    lost = {entry.video_id: entry for entry in read(ran.ledger) if entry.event == "lost"}
    assert {name: entry.reason for name, entry in lost.items()} == REASONS
    assert {entry.attempts for entry in lost.values()} == {1}
    (fetched,) = [entry for entry in read(ran.ledger) if entry.event == "fetched"]
    assert (fetched.video_id, fetched.host, fetched.yt_dlp, fetched.height_px) == ("good", "127.0.0.1", VERSION, 64)
    assert fetched.bytes == ran.records("download")["good"].numbers["bytes"]


def test_a_run_that_was_killed_before_it_noted_a_whole_file_gives_the_same_record(ran):
    before = records_text(ran)
    lines = ran.ledger.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'"fetched"' not in line]
    ran.ledger.write_bytes(b"".join(kept) + b'{"video_id": "good", "torn')
    ran.run_all(
        "download",
    )
    assert records_text(ran) == before
    (found,) = [entry for entry in read(ran.ledger) if entry.event == "found"]
    assert (found.video_id, found.format, found.attempts) == ("good", "mp4", 0)


def test_a_file_of_before_there_was_a_journal_is_accepted(mine, video, server):
    (mine.folder / "raw").mkdir()
    (mine.folder / "raw" / "good.webm").write_bytes(video.read_bytes())
    os.utime(mine.folder / "raw" / "good.webm", (0, 1_600_000_000))
    mine.write_rows(row("good", server.url_of("good.mp4"), video_id="good"))
    mine.run_all("download")
    assert server.count() == 0
    numbers = mine.records("download")["good"].numbers
    assert numbers == {
        "path": str(mine.folder / "raw/good.webm"),
        "bytes": video.stat().st_size,
        "height_px": 64,
        "format": None,
        "yt_dlp": None,
        "fetched": "2020-09-13",
    }


def test_a_file_without_a_line_that_is_no_video_goes_to_quarantine_and_is_not_taken_for_one(mine, server):
    (mine.folder / "raw").mkdir()
    (mine.folder / "raw" / "good.mp4").write_text("<html>", encoding="utf-8")
    mine.write_rows(row("good", server.url_of("good.mp4"), video_id="good"))
    mine.run_all("download")
    assert mine.reasons("download") == {"good": "not_a_video"}
    assert (mine.folder / "quarantine/good.mp4").exists()
    mine.run_all("download")
    assert mine.reasons("download") == {"good": None}


def test_a_file_that_the_user_put_there_ends_a_verdict(ran, video, server):
    (ran.folder / "raw" / "gone.mp4").write_bytes(video.read_bytes())
    ran.run_all("download")
    assert ran.reasons("download")["gone"] is None
    assert "gone" not in asked(server)


def test_a_run_that_is_killed_is_taken_up_where_it_was(mine, long_video, video):
    slow = Trickle(long_video, 2 * BLOCK_BYTES, pause_s=0.4)
    calm = mine.with_settings(download={**FAST, "concurrency": 1, "timeout_s": 5})
    with BadServer({"first.mp4": Good(video), "slow.mp4": slow, "last.mp4": Good(video)}) as server:
        names = ("first", "slow", "last")
        calm.write_rows(*[row(name, server.url_of(f"{name}.mp4"), video_id=name) for name in names])
        process = subprocess.Popen([sys.executable, "-m", "tavce", *calm.command("download")])
        part = calm.folder / "raw" / "slow.mp4.part"
        _wait_until(lambda: part.exists() and part.stat().st_size > 2 * BLOCK_BYTES, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        have = part.stat().st_size
        assert not calm.records_path("download").exists()
        server.asked.clear()
        server.mend(long_video, "slow.mp4")
        calm.run_all("download")
        assert server.asked == [("slow.mp4", have), ("last.mp4", None)]
    assert calm.reasons("download") == dict.fromkeys(names)
    assert sha256(calm.folder / "raw/slow.mp4") == sha256(long_video)
    assert sorted(path.name for path in (calm.folder / "raw").iterdir()) == ["first.mp4", "last.mp4", "slow.mp4"]


def test_an_interrupt_ends_a_run_soon_and_notes_no_loss(mine, long_video):
    slow = Trickle(long_video, BLOCK_BYTES, pause_s=0.3)
    calm = mine.with_settings(download={**FAST, "timeout_s": 5, "concurrency": 2})
    with BadServer({f"{n}.mp4": slow for n in range(4)}) as server:
        calm.write_rows(*[row(str(n), server.url_of(f"{n}.mp4"), video_id=str(n)) for n in range(4)])
        process = subprocess.Popen(
            [sys.executable, "-m", "tavce", *calm.command("download")], stderr=subprocess.DEVNULL
        )
        _wait_until(lambda: len(list((calm.folder / "raw").glob("*.part"))) == 2, process)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) != 0
        assert time.monotonic() - began < 3
        assert server.count() == 2
    assert {entry.event for entry in read(calm.ledger)} == {"started"}


def _wait_until(true, process):
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert process.poll() is None, "the run ended before it was to"
        assert time.monotonic() < deadline, "the run never came so far"
        time.sleep(0.02)

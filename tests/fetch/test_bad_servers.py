"""Facts about downloads from servers that misbehave: the reason, the requests, and what is left on the disk."""

import resource
import shutil
import subprocess
import sys
import time

import pytest
from bad_server import BadServer, Empty, Good, Loop, Page, Silent, Status, Truncated, WrongLength
from pipeline import row

from tavce.fetch.client import BLOCK_BYTES
from tavce.fetch.ledger import read
from tavce.files import sha256

pytestmark = pytest.mark.slow

PART = 2 * BLOCK_BYTES  # a block that is not whole when a connection breaks is lost


def fetch(pipeline, behaviour, video_id="v"):
    """Fetch one video from a server that behaves so; return its record, and the first byte of every request."""
    with BadServer({"v.mp4": behaviour}) as server:
        pipeline.write_rows(row("v", server.url_of("v.mp4"), video_id=video_id))
        pipeline.run_all("download")
        return pipeline.records("download")["v"], [start for _, start in server.asked]


def left(pipeline):
    """Return the names of what lies in store/raw."""
    return sorted(path.name for path in (pipeline.folder / "raw").iterdir())


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_breaks_half_way_is_taken_up_where_it_broke(mine, long_video, reset):
    record, asked = fetch(mine, Truncated(long_video, PART, times=1, reset=reset))
    assert record.kept
    assert asked == [None, PART]
    assert sha256(mine.folder / "raw/v.mp4") == sha256(long_video)


def test_a_download_that_was_killed_at_its_last_byte_is_fetched_from_the_start(mine, long_video):
    (mine.folder / "raw").mkdir(exist_ok=True)
    shutil.copyfile(long_video, mine.folder / "raw" / "v.mp4.part")
    record, asked = fetch(mine, Good(long_video))
    assert record.kept
    assert asked[0] == long_video.stat().st_size
    assert asked[-1] is None
    assert sha256(mine.folder / "raw/v.mp4") == sha256(long_video)


def test_where_a_server_knows_no_ranges_it_is_fetched_from_the_start(mine, long_video):
    record, asked = fetch(mine, Truncated(long_video, PART, times=1, ranges=False))
    assert record.kept
    assert asked == [None, PART]
    assert sha256(mine.folder / "raw/v.mp4") == sha256(long_video)


def test_a_server_that_never_gives_the_rest_is_the_network_s_fault_and_what_came_is_kept(mine, long_video):
    record, asked = fetch(mine, Truncated(long_video, PART, times=None))
    assert record.reason == "network"
    assert asked == [None, PART, PART]
    assert left(mine) == ["v.mp4.part"]


def test_every_try_that_brings_something_new_is_worth_another(mine, long_video):
    class Piecemeal(Truncated):
        def answer(self, request):
            start = request.start or 0
            request.body(self.path.read_bytes(), until=start + PART)

    record, asked = fetch(mine, Piecemeal(long_video, PART))
    assert record.kept
    assert asked == [None, *range(PART, long_video.stat().st_size, PART)]


def test_a_file_that_is_shorter_than_promised_is_never_whole(mine, long_video):
    record, asked = fetch(mine, WrongLength(long_video, 500))
    assert (record.reason, len(asked)) == ("network", 3)
    assert left(mine) == ["v.mp4.part"]


@pytest.mark.parametrize(
    ("behaviour", "reason", "requests"),
    [
        (Empty(), "empty_file", 1),
        (Loop(), "download_failed", 31),
        (Silent(1.5), "network", 2),
        (Status(404), "unavailable", 1),
        (Status(410), "removed", 1),
        (Status(401), "private", 1),
        (Status(451), "geo_blocked", 1),
        (Status(403), "download_failed", 1),
        (Status(500), "network", 2),
        (Status(503), "network", 2),
        (Page(kind="text/html"), "download_failed", 2),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'status', '')}" if hasattr(value, "answer") else "",
)
def test_what_a_server_does_has_a_reason_and_leaves_nothing(mine, behaviour, reason, requests):
    record, asked = fetch(mine, behaviour)
    assert (record.reason, record.lost_at, len(asked)) == (reason, "download", requests)
    assert left(mine) == []


def test_a_page_that_calls_itself_a_video_is_set_aside(mine):
    record, asked = fetch(mine, Page())
    assert (record.reason, len(asked)) == ("not_a_video", 1)
    assert left(mine) == []
    assert sorted(path.name for path in (mine.folder / "quarantine").iterdir()) == ["v.mp4", "v.mp4.txt"]


def test_a_page_with_a_video_in_it_gives_that_video(mine, video):
    page = '<html><body><video><source src="real.mp4" type="video/mp4"></video></body></html>'
    with BadServer({"v.mp4": Page(page, "text/html"), "real.mp4": Good(video)}) as server:
        mine.write_rows(row("v", server.url_of("v.mp4"), video_id="v"))
        mine.run_all("download")
    assert mine.reasons("download") == {"v": None}
    assert sha256(mine.folder / "raw/v.mp4") == sha256(video)


def test_a_url_that_does_not_end_like_a_video_is_looked_into(mine, video):
    with BadServer({"watch": Good(video)}) as server:
        mine.write_rows(row("v", server.url_of("watch"), video_id="v"))
        mine.run_all("download")
        assert server.count() == 2
    assert mine.reasons("download") == {"v": None}


def test_a_server_that_is_slow_once_and_one_that_breaks_once_are_asked_again(mine, video):
    for behaviour in (Silent(1.5, times=1, then=Good(video)), Status(502, times=1, then=Good(video))):
        record, asked = fetch(mine, behaviour)
        assert (record.kept, len(asked)) == (True, 2)
        (mine.folder / "raw/v.mp4").unlink()


def test_a_host_that_nobody_answers_for_is_the_network_s_fault(mine):
    with BadServer({}) as server:
        url = server.url_of("v.mp4")
    mine.write_rows(row("v", url, video_id="v"), row("w", "http://nowhere.invalid/v.mp4", video_id="w"))
    mine.run_all("download")
    assert mine.reasons("download") == {"v": "network", "w": "network"}


def test_a_host_that_limits_requests_is_left_alone_and_asked_again(mine, video):
    patient = mine.with_settings(download={"per_host_s": 0, "closed_s": 0.3, "closings": 1, "reserve_gb": 0})
    began = time.monotonic()
    record, asked = fetch(patient, Status(429, times=1, then=Good(video)))
    assert (record.kept, len(asked)) == (True, 2)
    assert time.monotonic() - began > 0.3
    assert [entry.attempts for entry in read(mine.ledger) if entry.event == "fetched"] == [2]


def test_a_host_says_how_long_it_wants_to_be_left_alone(mine, video):
    began = time.monotonic()
    behaviour = Status(429, times=1, then=Good(video), headers={"Retry-After": "1"})
    record, _asked = fetch(mine.with_settings(download={"closed_s": 0, "per_host_s": 0, "reserve_gb": 0}), behaviour)
    assert record.kept
    assert time.monotonic() - began > 1


def test_when_a_host_is_given_up_the_rest_is_not_asked_for_and_is_lost_for_the_same_reason(mine, video):
    one = mine.with_settings(
        download={"per_host_s": 0, "closed_s": 30, "closings": 0, "concurrency": 1, "reserve_gb": 0}
    )
    with BadServer({f"{n}.mp4": Status(429) for n in range(5)}) as server:
        one.write_rows(*[row(str(n), server.url_of(f"{n}.mp4"), video_id=str(n)) for n in range(5)])
        one.run_all("download")
        assert server.count() == 1
    assert set(one.reasons("download").values()) == {"rate_limited"}
    assert [entry.attempts for entry in read(mine.ledger) if entry.event == "lost"] == [1, 0, 0, 0, 0]
    assert "HTTP Error 429" in one.records("download")["0"].detail
    assert "127.0.0.1 limits requests: not asked for" in one.records("download")["1"].detail


def test_a_picture_below_the_minimum_is_refused_and_stays_where_a_lower_minimum_finds_it(mine, video):
    record, _asked = fetch(mine.with_settings(download={"min_height_px": 100, "per_host_s": 0}), Good(video))
    assert record.reason == "no_format"
    assert "v.mp4 has 64 lines, download.min_height_px is 100" in record.detail
    mine.run_all("download")
    assert mine.reasons("download") == {"v": None}


@pytest.mark.parametrize(
    "video_id", ["-_-aB1", "_x", "a b", 'it\'s "x"; $(touch no) `id` & | > *?', "ünï/čödé 視頻", "."]
)
def test_any_id_and_any_path_are_fetched(mine, video, video_id):
    name = f"{video_id}.mp4"
    with BadServer({name: Good(video)}) as server:
        mine.write_rows(row("v", server.url_of(name), video_id=video_id))
        mine.run_all("download")
    record = mine.records("download")["v"]
    assert record.kept, record.detail
    assert len(left(mine)) == 1
    assert sha256(record.numbers["path"]) == sha256(video)


def test_clips_of_one_video_are_one_download_however_many_threads_there_are(mine, video):
    with BadServer({"v.mp4": Good(video), "w.mp4": Status(404)}) as server:
        rows = [
            row(f"{name}{n}", server.url_of(f"{name}.mp4"), speaker=name, video_id=name)
            for n in range(6)
            for name in "vw"
        ]
        mine.write_rows(*rows)
        mine.run_all("download")
        assert (server.count("v.mp4"), server.count("w.mp4")) == (1, 1)
    assert [*mine.records("download")] == [one.clip_id for one in rows]
    assert mine.reasons("download") == {one.clip_id: None if one.video_id == "v" else "unavailable" for one in rows}


def test_a_file_that_the_disk_does_not_take_is_a_full_disk_and_leaves_no_part(mine, video):
    with BadServer({"v.mp4": Good(video)}) as server:
        mine.write_rows(row("v", server.url_of("v.mp4"), video_id="v"))
        code = (
            "import resource, sys; from tavce.cli import main\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({video.stat().st_size // 2},) * 2)\n"
            "sys.exit(main(sys.argv[1:]))"
        )
        subprocess.run([sys.executable, "-c", code, *mine.command("download")], check=True, timeout=60)
    record = mine.records("download")["v"]
    assert (record.reason, left(mine)) == ("disk_full", [])
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_where_the_reserve_is_used_up_nothing_is_asked_for(mine, video):
    full = mine.with_settings(download={"reserve_gb": 10**6, "space_wait_s": 0, "per_host_s": 0})
    record, asked = fetch(full, Good(video))
    assert (record.reason, asked) == ("disk_full", [])
    assert "download.reserve_gb is 1e+06: make room, then run again" in record.detail

"""Facts about turns at a host: of threads and of processes, and where it limits requests."""

import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest
from fast_downloads import FAST
from pipeline import settings

from tavce.fetch.errors import FetchError
from tavce.fetch.hosts import Hosts, host_of


def hosts(folder, **changes):
    return Hosts(folder, settings(download={**FAST, **changes}).download, threading.Event())


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.youtube.com/watch?v=aaaaaaaaaaa", "youtube.com"),
        ("https://m.youtube.com/watch?v=aaaaaaaaaaa", "youtube.com"),
        ("https://youtu.be/aaaaaaaaaaa?t=3", "youtube.com"),
        ("https://WWW.Example.org:8080/a.mp4", "example.org"),
        ("http://user:word@127.0.0.1:80/a.mp4", "127.0.0.1"),
    ],
)
def test_a_url_asks_a_host(url, host):
    assert host_of(url) == host


def test_threads_of_one_job_start_apart(tmp_path):
    mine, times = hosts(tmp_path, per_host_s=0.05), []
    threads = [threading.Thread(target=lambda: times.append(mine.take_turn("h"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.04


def test_jobs_start_apart_and_other_hosts_do_not_wait(tmp_path):
    one, other = hosts(tmp_path, per_host_s=0.2), hosts(tmp_path, per_host_s=0.2)
    assert other.take_turn("h") - one.take_turn("h") < 0  # the second call was made first
    began = time.time()
    assert one.take_turn("elsewhere") - began < 0.1


def test_processes_start_apart(tmp_path):
    code = (
        "import sys, threading; from tavce.config import paper; from tavce.fetch.hosts import Hosts\n"
        "own = paper().download.model_copy(update={'per_host_s': 0.05})\n"
        "hosts = Hosts(sys.argv[1], own, threading.Event())\n"
        "print(*[hosts.take_turn('h') for _ in range(5)])\n"
    )
    jobs = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    times = sorted(float(word) for job in jobs for word in job.communicate()[0].split())
    assert len(times) == 10
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.02  # one that wakes late shortens a gap
    assert times[-1] - times[0] > 9 * 0.045


def test_a_host_that_limits_requests_is_left_alone_by_every_job(tmp_path):
    one, other = hosts(tmp_path, closed_s=0.3, closings=1), hosts(tmp_path, closed_s=0.3, closings=1)
    one.close("h", time.time(), 0)
    began = time.time()
    assert other.take_turn("h") - began > 0.25


def test_a_host_may_ask_for_a_longer_time(tmp_path):
    mine = hosts(tmp_path, closed_s=0.01, closings=1)
    mine.close("h", time.time(), 0.3)
    began = time.time()
    assert mine.take_turn("h") - began > 0.25


def test_answers_to_what_was_asked_before_the_closing_close_no_further(tmp_path):
    mine = hosts(tmp_path, closed_s=0.2, closings=1)
    asked_at = time.time()
    for _ in range(8):
        mine.close("h", asked_at, 0)
    mine.take_turn("h")


def test_after_enough_closings_the_rest_is_not_asked_for(tmp_path):
    mine, other = hosts(tmp_path, closed_s=0.1, closings=1), hosts(tmp_path, closed_s=0.1, closings=1)
    mine.close("h", time.time(), 0)
    mine.close("h", mine.take_turn("h"), 60)
    began = time.time()
    for job in (mine, other):
        with pytest.raises(FetchError, match="rate_limited: h limits requests: not asked for"):
            job.take_turn("h")
    assert time.time() - began < 0.5


def test_a_video_ends_the_row_of_closings(tmp_path):
    mine = hosts(tmp_path, closed_s=0.05, closings=1)
    for _ in range(3):
        mine.close("h", time.time(), 0)
        mine.take_turn("h")
        mine.welcome("h")


def test_a_quiet_time_ends_it_too(tmp_path, monkeypatch):
    mine = hosts(tmp_path, closed_s=0.05, closings=0)
    mine.close("h", time.time(), 0)
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert mine.take_turn("h") == later
    mine.close("h", later, 0)
    assert mine._read("h").closings == 1


def test_a_torn_file_says_nothing(tmp_path):
    mine = hosts(tmp_path)
    (tmp_path / "h.json").write_text('{"next": 99999', encoding="utf-8")
    began = time.time()
    assert mine.take_turn("h") - began < 0.2


def test_a_job_that_ends_waits_no_longer(tmp_path):
    mine = hosts(tmp_path, closed_s=60, closings=1)
    mine.close("h", time.time(), 0)
    began = time.time()
    threading.Timer(0.05, mine._stopped.set).start()
    mine.take_turn("h")
    assert time.time() - began < 1

"""Facts about the room that downloads leave on a disk; how much is free is made up, at the boundary."""

import threading
import time
from pathlib import Path

import pytest
from fast_downloads import FAST
from pipeline import settings

from tavce.fetch.errors import FetchError
from tavce.fetch.space import GB, Space, free_bytes


def space(*free, **changes):
    """Return a disk on which so many bytes are free, look after look; the last figure stays."""
    looks = list(free)
    wanted = settings(download={**FAST, "reserve_gb": 2, "space_wait_s": 0.1, **changes}).download
    return Space(Path("store/raw"), wanted, threading.Event(), lambda _: looks.pop(0) if len(looks) > 1 else looks[0])


def test_where_there_is_room_nothing_waits():
    began = time.monotonic()
    space(3 * GB, space_wait_s=60).wait()
    space(3 * GB, space_wait_s=60).wait(GB)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("free", "expected"), [(1.9 * GB, 0), (3 * GB, 1.1 * GB)], ids=["reserve", "reserve and video"]
)
def test_where_there_is_none_the_disk_is_full_after_a_while(free, expected):
    began = time.monotonic()
    with pytest.raises(
        FetchError, match=r"disk_full: store/raw has .* GB left, and download.reserve_gb is 2: make room"
    ):
        space(free).wait(expected)
    assert 0.1 <= time.monotonic() - began < 1


def test_room_that_is_made_meanwhile_is_used(caplog):
    space(GB, 3 * GB).wait()
    assert caplog.text.count("downloads wait for room") == 1


def test_after_the_first_video_that_waited_in_vain_the_others_do_not_wait():
    full = space(GB)
    with pytest.raises(FetchError):
        full.wait()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(FetchError):
            full.wait()
    assert time.monotonic() - began < 0.05


def test_waiting_is_told_once_however_many_wait(caplog):
    full = space(GB)

    def wait():
        with pytest.raises(FetchError):
            full.wait()

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert caplog.text.count("downloads wait for room") == 1


def test_room_is_that_of_the_disk_below_a_folder_that_is_not_there_yet(tmp_path):
    assert free_bytes(tmp_path / "a/b/c") == pytest.approx(free_bytes(tmp_path), rel=0.05)

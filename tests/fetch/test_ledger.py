"""Facts about the journal of downloads: what it holds after crashes, and who may write into it at once."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from tavce.fetch.ledger import Entry, Ledger, now, outcomes, read, stamp


def entry(video_id, event="fetched", **said):
    return Entry(video_id=video_id, url=f"http://h/{video_id}", event=event, at="2026-10-30T12:00:00Z", **said)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger" / "0000.jsonl"


def test_what_was_written_is_read_in_order(path):
    entries = [entry("a", "started"), entry("b", "lost", reason="private", detail="ä\u2028\n"), entry("a", bytes=9)]
    with Ledger(path) as ledger:
        for one in entries:
            ledger.add(one)
    assert read(path) == entries


def test_the_last_outcome_counts_and_a_beginning_is_none(path):
    with Ledger(path) as ledger:
        for one in (entry("a", "lost", reason="network"), entry("a", "started", format="18"), entry("b", "started")):
            ledger.add(one)
    with Ledger(path) as ledger:
        assert ledger.outcome("a").reason == "network"
        assert ledger.started("a").format == "18"
        assert (ledger.outcome("b"), ledger.started("c")) == (None, None)
        ledger.add(entry("a", bytes=9))
        assert ledger.outcome("a").bytes == 9


def test_a_journal_without_lines_makes_no_file(path):
    with Ledger(path) as ledger:
        assert ledger.outcome("a") is None
    assert not path.parent.exists()
    assert read(path) == []


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_torn_line_is_left_aside_and_the_next_one_is_whole(path, cut, caplog):
    with Ledger(path) as ledger:
        ledger.add(entry("a"))
        ledger.add(entry("b"))
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - cut)
    with Ledger(path) as ledger:
        assert ledger.outcome("a") == entry("a")
        assert ledger.outcome("b") == (entry("b") if cut == 1 else None)  # its line end alone was lost
        ledger.add(entry("c"))
    assert outcomes(read(path))["c"] == entry("c")
    assert ("line 2 cannot be read" in caplog.text) == (cut > 1)


def test_an_entry_of_a_later_version_is_read_as_far_as_it_is_known(path):
    path.parent.mkdir()
    path.write_text(entry("a").model_dump_json().replace("{", '{"mood":"good",', 1) + "\n", encoding="utf-8")
    assert read(path) == [entry("a")]


def test_threads_write_whole_lines(path):
    with Ledger(path) as ledger:
        threads = [
            threading.Thread(target=lambda t=t: [ledger.add(entry(f"{t}-{n}", detail="x" * 500)) for n in range(50)])
            for t in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outcomes(read(path))) == 400


def test_a_killed_writer_leaves_whole_lines(path):
    code = (
        "import sys; from tavce.fetch.ledger import *\n"
        "ledger = Ledger(sys.argv[1])\n"
        "for n in range(10**9):\n"
        "    ledger.add(Entry(video_id=str(n), url='u', event='fetched', at=now(), detail='x' * 300))\n"
        "    print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, env=os.environ)
    for _ in range(200):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    told = process.communicate()[0]
    lines = read(path)
    assert len(lines) >= 200 + told.count(b"\n")
    assert [line.video_id for line in lines] == [str(n) for n in range(len(lines))]


def test_a_line_that_a_full_disk_tore_spoils_no_other(path):
    code = (
        "import resource, sys; from tavce.fetch.ledger import *\n"
        "ledger, add = Ledger(sys.argv[1]), lambda n: ledger.add(\n"
        "    Entry(video_id=str(n), url='u', event='fetched', at=now(), detail='x' * 300))\n"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))\n"
        "for n in range(4):\n"
        "    try: add(n)\n"
        "    except OSError: print(n)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
        "add(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == ["2", "3"]
    assert [line.video_id for line in read(path)] == ["0", "1", "9"]


def test_a_line_without_a_time_is_left_aside(path):
    path.parent.mkdir()
    path.write_text(entry("a").model_dump_json().replace("2026-10-30T", "yesterday ") + "\n", encoding="utf-8")
    assert read(path) == []


def test_times_are_utc_and_sortable():
    assert stamp(0) == "1970-01-01T00:00:00Z"
    assert now() > "2026-01-01T00:00:00Z"
    assert entry("a").time.tzinfo is not None

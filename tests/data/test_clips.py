"""Facts about the loop over a shard's clips: one record a clip, and only a clip error drops one."""

import argparse
import multiprocessing
import os
import time
from contextlib import contextmanager, nullcontext

import numpy as np
import psutil
import pytest
from pipeline import row

from tavce import store
from tavce.data.clips import Result, Shard, open_job, run_shard
from tavce.records import ClipError, ClipRecord, InputError, Reason, read_records, write_lines

ROWS = [row(name, f"/videos/{name}.mp4") for name in ("c", "a", "lost", "b")]


def before(**reasons: Reason) -> list[ClipRecord]:
    """Return the records of `trim`, in which some clips are lost already."""
    return [
        ClipRecord(
            **{name: getattr(entry, name) for name in ("clip_id", "dataset", "split", "speaker")},
            stage="trim",
            version=1,
            reason=reasons.get(entry.clip_id),
            lost_at="download" if entry.clip_id in reasons else None,
            detail="gone" if entry.clip_id in reasons else "",
        )
        for entry in ROWS
    ]


def shard(folder, threads: int = 1, **reasons: Reason) -> Shard:
    paths = {"records": str(folder / "mel.jsonl"), "out": str(folder / "mel.h5")}
    return Shard("mel", {}, ROWS, before(**reasons), settings_digest="0" * 16, threads=threads, **paths)


def doing(work):
    """Return how a work that needs nothing is opened."""
    return lambda _folder: nullcontext(work)


def drops_a(entry, _before):
    if entry.clip_id == "a":
        raise ClipError(Reason.SILENT, "-90 dB")
    return Result({"frames": 3}, {"mel": np.full(3, ord(entry.clip_id))}, {"origin": entry.clip_id})


def test_every_clip_has_a_record_in_the_order_of_the_sheet(tmp_path):
    run_shard(shard(tmp_path, lost=Reason.DOWNLOAD_FAILED), doing(drops_a))
    records = read_records(tmp_path / "mel.jsonl")
    assert [record.clip_id for record in records] == ["c", "a", "lost", "b"]
    assert [record.reason for record in records] == [None, "silent", "download_failed", None]
    assert {record.stage for record in records} == {"mel"}
    assert records[0].numbers == {"frames": 3}


def test_a_lost_clip_keeps_the_stage_that_lost_it_and_why(tmp_path):
    run_shard(shard(tmp_path, lost=Reason.DOWNLOAD_FAILED), doing(drops_a))
    _, dropped, lost, _ = read_records(tmp_path / "mel.jsonl")
    assert (lost.lost_at, lost.detail) == ("download", "gone")
    assert (dropped.lost_at, dropped.detail) == ("mel", "-90 dB")


def test_the_arrays_of_kept_clips_are_stored_and_no_others(tmp_path):
    run_shard(shard(tmp_path, lost=Reason.DOWNLOAD_FAILED), doing(drops_a))
    with store.open_shard(tmp_path / "mel.h5") as file:
        assert sorted(file) == ["b", "c"]
        assert file["b"]["mel"][:].tolist() == [98, 98, 98]
        assert file["b"].attrs["origin"] == "b"
        assert (file.attrs["stage"], file.attrs["settings"]) == ("mel", "0" * 16)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_several_threads_write_what_one_writes_in_the_same_order(tmp_path, threads):
    run_shard(shard(tmp_path / "one", lost=Reason.NO_FACE), doing(drops_a))
    run_shard(shard(tmp_path / "several", threads, lost=Reason.NO_FACE), doing(drops_a))
    for name in ("mel.jsonl", "mel.h5"):
        assert (tmp_path / "several" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_as_many_clips_are_worked_on_at_once_as_there_are_threads_and_no_more(tmp_path):
    forked = multiprocessing.get_context("fork")
    meeting, at_work, most = forked.Barrier(2), forked.Value("i", 0), forked.Value("i", 0)

    def work(_entry, _before):
        with at_work.get_lock():
            at_work.value += 1
            most.value = max(most.value, at_work.value)
        meeting.wait(timeout=10)  # fails unless two come here at once
        with at_work.get_lock():
            at_work.value -= 1
        return Result({})

    run_shard(shard(tmp_path, threads=2), doing(work))
    assert most.value == 2


def test_a_clip_that_is_lost_already_is_not_worked_on(tmp_path):
    seen = []

    def work(entry, record):
        seen.append((entry.clip_id, record.clip_id))
        return Result({})

    run_shard(shard(tmp_path, lost=Reason.NO_FACE, a=Reason.NO_FACE), doing(work))
    assert seen == [("c", "c"), ("b", "b")]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("error", [ValueError, KeyError, OSError, InputError])
def test_any_other_error_ends_the_job_and_leaves_no_file(tmp_path, error, threads):
    def work(entry, _before):
        if entry.clip_id == "b":
            raise error("a bug")
        return Result({}, {"mel": np.zeros(3)})

    with pytest.raises(error, match="a bug"):
        run_shard(shard(tmp_path, threads), doing(work))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_work_that_cannot_be_opened_ends_the_job_with_its_own_words(tmp_path, threads):
    @contextmanager
    def nothing_there(_folder):
        raise InputError("no weights")
        yield

    with pytest.raises(InputError, match="no weights"):
        run_shard(shard(tmp_path, threads), nothing_there)
    assert list(tmp_path.iterdir()) == []


def test_workers_end_with_a_job_that_is_killed(tmp_path):
    forked = multiprocessing.get_context("fork")
    workers = forked.SimpleQueue()

    def work(_entry, _before):
        workers.put(os.getpid())
        time.sleep(60)

    job = forked.Process(target=run_shard, args=(shard(tmp_path, threads=2), doing(work)))
    job.start()
    pids = [workers.get(), workers.get()]
    job.kill()
    job.join()
    until = time.monotonic() + 10
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.05)


def _arguments(folder, records):
    write_lines(folder / "rows.jsonl", ROWS)
    if records is not None:
        write_lines(folder / "before.jsonl", records)
    return argparse.Namespace(
        settings='{"gate":{"train":1,"val":1,"test":1}}',
        rows=str(folder / "rows.jsonl"),
        before=None if records is None else str(folder / "before.jsonl"),
        records=str(folder / "records.jsonl"),
        threads=1,
    )


@pytest.mark.parametrize("records", [before()[:-1], before()[::-1], []], ids=["one short", "other order", "none"])
def test_records_of_another_sheet_are_refused(tmp_path, records):
    with pytest.raises(InputError, match=r"before.jsonl is not of the sheet .*rows.jsonl: rerun the stage before mel"):
        open_job("mel", _arguments(tmp_path, records))


def test_the_first_stage_begins_with_the_sheets_own_reasons(tmp_path):
    lost = ROWS[2].model_copy(update={"reason": Reason.MISSING_FILE, "detail": "line 3"})
    arguments = _arguments(tmp_path, None)
    write_lines(tmp_path / "rows.jsonl", [*ROWS[:2], lost, ROWS[3]])
    job = open_job("download", arguments)
    assert [record.reason for record in job.before] == [None, None, "missing_file", None]
    assert (job.before[2].lost_at, job.before[2].detail) == ("sheet", "line 3")
    assert job.out is None

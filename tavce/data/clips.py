"""The one loop over a shard's clips: every clip gets a record, only `ClipError` drops one.

With several threads, that many processes work on a clip each, in one thread; what they make does not depend on it.
"""

import argparse
import json
import logging
import multiprocessing
import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from tavce import store
from tavce.config import parse_sections
from tavce.files import digest, input_file
from tavce.progress import progress
from tavce.records import ClipError, ClipRecord, InputError, Row, read_records, read_rows, write_lines
from tavce.stages import STAGES

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a stage made of a clip: arrays and attributes for the store, numbers for the record."""

    numbers: Mapping[str, int | float | str | None]
    arrays: Mapping[str, np.ndarray | store.Spooled] = field(default_factory=dict)
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)


Work = Callable[[Row, ClipRecord], Result]
Opening = Callable[[Path], AbstractContextManager[Work]]  # a folder for what does not fit into memory → the work


@dataclass(frozen=True)
class Shard:
    """One stage's job: the shard's rows, what became of them so far, and where results go."""

    stage: str
    settings: Mapping[str, Any]
    rows: list[Row]
    before: list[ClipRecord]
    records: str
    out: str | None
    settings_digest: str
    threads: int = 1  # processes, each of which works on a clip


def shard_arguments(parser: argparse.ArgumentParser, out: bool = True) -> None:
    """Add what every shard stage takes."""
    parser.add_argument("--rows", type=input_file, required=True, help="the shard's sheet")
    parser.add_argument("--before", type=input_file, help="records of the stage before")
    parser.add_argument("--records", required=True, help="where the records go")
    parser.add_argument("--threads", type=int, default=1, help="clips worked on at once; results do not depend on it")
    if out:
        parser.add_argument("--out", required=True, help="where the arrays go, .h5")


def open_job(stage: str, arguments: argparse.Namespace) -> Shard:
    """Return the job that the command line describes.

    Raises:
        InputError: the records before are not those of this sheet.
    """
    rows = read_rows(arguments.rows)
    before = read_records(arguments.before) if arguments.before else [_sheet_record(row) for row in rows]
    if [row.clip_id for row in rows] != [record.clip_id for record in before]:
        raise InputError(f"{arguments.before} is not of the sheet {arguments.rows}: rerun the stage before {stage}")
    settings = parse_sections(arguments.settings)
    out = getattr(arguments, "out", None)
    settings_digest = digest(json.loads(arguments.settings))
    return Shard(stage, settings, rows, before, arguments.records, out, settings_digest, arguments.threads)


def _sheet_record(row: Row) -> ClipRecord:
    lost_at = None if row.reason is None else "sheet"
    return _record(row, "sheet", reason=row.reason, lost_at=lost_at, detail=row.detail)


def _record(row: Row, stage: str, **said: Any) -> ClipRecord:
    return ClipRecord(
        clip_id=row.clip_id,
        dataset=row.dataset,
        split=row.split,
        speaker=row.speaker,
        stage=stage,
        version=STAGES[stage].version,
        **said,
    )


def run_shard(job: Shard, opening: Opening) -> None:
    """Call what `opening` yields on every clip that is still kept; write the arrays, then one record for every clip.

    With several threads, `opening` is called in as many processes, which must be able to pickle it and the results;
    files are written by this one, in the sheet's order.
    """
    origin = store.Origin(job.stage, STAGES[job.stage].version, job.settings_digest)
    records = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"tavce-{job.stage}-")))
        worked_on = stack.enter_context(_workers(job, opening, folder))
        writer = stack.enter_context(store.create(job.out, origin)) if job.out else None
        for record, result in progress(worked_on, job.stage, total=len(job.rows)):
            if writer and result:
                writer.put(record.clip_id, result.arrays, **result.attributes)
            records.append(record)
    write_lines(job.records, records)
    log.info("%s: kept %d of %d clips", job.stage, sum(record.kept for record in records), len(records))


@contextmanager
def _workers(job: Shard, opening: Opening, folder: Path) -> Iterator[Iterator[tuple[ClipRecord, Result | None]]]:
    """Yield every clip's record and, where it is kept, what was made of it, in the sheet's order."""
    clips = zip(job.rows, job.before, strict=True)
    if job.threads == 1:
        with _one_thread(), opening(folder) as work:
            yield (_clip(job.stage, row, before, work) for row, before in clips)
        return
    forked = multiprocessing.get_context("fork")  # a start costs nothing; no thread runs yet
    with ProcessPoolExecutor(job.threads, forked, _enter, (opening, folder)) as pool:
        pool.submit(os.getpid).result()  # all processes are there before the shard's file is
        yield _in_order(pool, job, clips)


def _in_order(
    pool: ProcessPoolExecutor, job: Shard, clips: Iterable[tuple[Row, ClipRecord]]
) -> Iterator[tuple[ClipRecord, Result | None]]:
    waiting: deque[Future] = deque()
    for row, before in clips:
        waiting.append(pool.submit(_in_worker, job.stage, row, before))
        if len(waiting) > 2 * job.threads:  # no more results in memory than that
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Worker:
    """What a worker process holds: how its work is opened, and, from the first clip on, the work."""

    def __init__(self, opening: Opening, folder: Path):
        self._opening, self._folder = opening, folder
        self._held = ExitStack()

    @cached_property
    def work(self) -> Work:
        """The work; where it cannot be opened, the first clip says why."""
        self._held.enter_context(_one_thread())
        return self._held.enter_context(self._opening(self._folder))


_worker: list[_Worker] = []


def _enter(opening: Opening, folder: Path) -> None:
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _worker.append(_Worker(opening, folder))


def _leave_with_parent() -> None:
    """End this process when its parent does, however: a killed one cannot tell its workers."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _in_worker(stage: str, row: Row, before: ClipRecord) -> tuple[ClipRecord, Result | None]:
    return _clip(stage, row, before, _worker[0].work)


def _one_thread() -> AbstractContextManager[Any]:
    cv2.setNumThreads(1)
    return threadpool_limits(1)


def _clip(stage: str, row: Row, before: ClipRecord, work: Work) -> tuple[ClipRecord, Result | None]:
    if not before.kept:
        return _record(row, stage, reason=before.reason, lost_at=before.lost_at, detail=before.detail), None
    try:
        result = work(row, before)
    except ClipError as error:
        log.info("%s dropped %s: %s", stage, row.clip_id, error)
        said = {"reason": error.reason, "detail": error.detail, "numbers": error.numbers}
        return _record(row, stage, lost_at=stage, **said), None
    return _record(row, stage, numbers=dict(result.numbers)), result

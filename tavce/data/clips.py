"""The one loop over a shard's clips: every clip gets a record, only `ClipError` drops one."""

import argparse
import json
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

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
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)


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
    threads: int = 1  # clips worked on at once


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
    cv2.setNumThreads(1)  # a thread a clip
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


def run_shard(job: Shard, work: Callable[[Row, ClipRecord], Result]) -> None:
    """Call `work` on every clip that is still kept; write the arrays, then one record for every clip.

    With several threads, `work` is called from all of them; files are written by this one, in the sheet's order.
    """
    origin = store.Origin(job.stage, STAGES[job.stage].version, job.settings_digest)
    target: AbstractContextManager[Any] = store.create(job.out, origin) if job.out else nullcontext()
    records = []
    with target as writer:
        for record, result in progress(_worked_on(job, work), job.stage, total=len(job.rows)):
            if writer and result:
                writer.put(record.clip_id, result.arrays, **result.attributes)
            records.append(record)
    write_lines(job.records, records)
    log.info("%s: kept %d of %d clips", job.stage, sum(record.kept for record in records), len(records))


def _worked_on(job: Shard, work: Callable) -> Iterator[tuple[ClipRecord, Result | None]]:
    """Yield every clip's record and, where it is kept, what was made of it, in the sheet's order."""
    clips = zip(job.rows, job.before, strict=True)
    if job.threads == 1:
        for row, before in clips:
            yield _clip(job.stage, row, before, work)
        return
    with ThreadPoolExecutor(job.threads) as pool:
        waiting: deque[Future] = deque()
        for row, before in clips:
            waiting.append(pool.submit(_clip, job.stage, row, before, work))
            if len(waiting) > job.threads:  # no more clips in memory than that
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _clip(stage: str, row: Row, before: ClipRecord, work: Callable) -> tuple[ClipRecord, Result | None]:
    if not before.kept:
        return _record(row, stage, reason=before.reason, lost_at=before.lost_at, detail=before.detail), None
    try:
        result = work(row, before)
    except ClipError as error:
        log.info("%s dropped %s: %s", stage, row.clip_id, error)
        said = {"reason": error.reason, "detail": error.detail, "numbers": error.numbers}
        return _record(row, stage, lost_at=stage, **said), None
    return _record(row, stage, numbers=dict(result.numbers)), result

"""The one loop over a shard's clips: every clip gets a record, only `ClipError` drops one."""

import argparse
import json
import logging
from collections.abc import Callable, Mapping
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


def shard_arguments(parser: argparse.ArgumentParser, out: bool = True) -> None:
    """Add what every shard stage takes."""
    parser.add_argument("--rows", type=input_file, required=True, help="the shard's sheet")
    parser.add_argument("--before", type=input_file, help="records of the stage before")
    parser.add_argument("--records", required=True, help="where the records go")
    parser.add_argument("--threads", type=int, default=1)
    if out:
        parser.add_argument("--out", required=True, help="where the arrays go, .h5")


def open_job(stage: str, arguments: argparse.Namespace) -> Shard:
    """Return the job that the command line describes.

    Raises:
        InputError: the records before are not those of this sheet.
    """
    cv2.setNumThreads(arguments.threads)
    rows = read_rows(arguments.rows)
    before = read_records(arguments.before) if arguments.before else [_sheet_record(row) for row in rows]
    if [row.clip_id for row in rows] != [record.clip_id for record in before]:
        raise InputError(f"{arguments.before} is not of the sheet {arguments.rows}: rerun the stage before {stage}")
    settings = parse_sections(arguments.settings)
    out = getattr(arguments, "out", None)
    return Shard(stage, settings, rows, before, arguments.records, out, digest(json.loads(arguments.settings)))


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
    """Call `work` on every clip that is still kept; write the arrays, then one record for every clip."""
    origin = store.Origin(job.stage, STAGES[job.stage].version, job.settings_digest)
    target: AbstractContextManager[Any] = store.create(job.out, origin) if job.out else nullcontext()
    with target as writer:
        pairs = list(zip(job.rows, job.before, strict=True))
        records = [_clip(job, row, before, work, writer) for row, before in progress(pairs, job.stage)]
    write_lines(job.records, records)
    log.info("%s: kept %d of %d clips", job.stage, sum(record.kept for record in records), len(records))


def _clip(job: Shard, row: Row, before: ClipRecord, work: Callable, writer: store.ShardWriter | None) -> ClipRecord:
    if not before.kept:
        return _record(row, job.stage, reason=before.reason, lost_at=before.lost_at, detail=before.detail)
    try:
        result = work(row, before)
    except ClipError as error:
        log.info("%s dropped %s: %s", job.stage, row.clip_id, error)
        return _record(row, job.stage, reason=error.reason, lost_at=job.stage, detail=error.detail)
    if writer:
        writer.put(row.clip_id, result.arrays, **result.attributes)
    return _record(row, job.stage, numbers=dict(result.numbers))

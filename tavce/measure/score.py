"""Measure the videos of one method on one dataset.

Reads   the method's records and mp4s, the dataset's index and the crops it names
Writes  one row of scores a record (dropped clips included, with the reason) and `run.json` with the means
"""

import argparse
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pyarrow.parquet

from tavce import media, store
from tavce.config import parse_sections
from tavce.config.evaluation import Score
from tavce.files import input_file, sha256
from tavce.measure.clip import ClipScorer, Level, read_landmarks, read_level, read_reference
from tavce.measure.metrics import METRICS, Measurements
from tavce.measure.rows import ScoreRow, mean_of
from tavce.progress import progress
from tavce.records import ClipRecord, InputError, read_records, write_lines
from tavce.stages import STAGES
from tavce.training.tracking import Run

log = logging.getLogger(__name__)
SAMPLE_VIDEOS = 2  # shown by MLflow
ONLY_CLIP = Level(None, "no other clip was generated, so there is no other sound")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--index", type=input_file, required=True, help="the dataset's index, .parquet")
    parser.add_argument("--records", type=input_file, required=True, help="what synthesise says of every clip, .jsonl")
    parser.add_argument("--videos", required=True, help="folder of the method's CLIP_ID.mp4")
    parser.add_argument("--method", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--scores", required=True, help="output: one row of scores a clip, .jsonl")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--run-json", required=True, help="output: the means and what they were made from")


def run(arguments: argparse.Namespace) -> None:
    """Score every record of a method.

    Raises:
        InputError: a record belongs to another dataset, or a kept one has no video or no line in the index.
    """
    began = time.monotonic()
    cv2.setNumThreads(arguments.threads)
    sections = parse_sections(arguments.settings)
    records = read_records(arguments.records)
    index = {row["clip_id"]: row for row in pyarrow.parquet.read_table(arguments.index).to_pylist()}
    rate_hz = sections["window"].rate_hz
    job = Job(arguments.dataset, arguments.method, Path(arguments.videos), index, sections["score"], rate_hz)
    job.check(records)
    rows = job.score(records)
    write_lines(arguments.scores, rows)
    write_run(arguments, rows, began)
    dropped = sum(row.video is None for row in rows)
    log.info("score: %d clips of %s measured, %d dropped", len(rows) - dropped, arguments.method, dropped)


@dataclass(frozen=True)
class Job:
    """One method's videos of one dataset."""

    dataset: str
    method: str
    videos: Path
    index: dict[str, dict[str, Any]]
    settings: Score
    rate_hz: int  # of the videos

    def check(self, records: list[ClipRecord]) -> None:
        """Make sure that every kept record can be scored.

        Raises:
            InputError: it is of another dataset, or has no video or no line in the index.
        """
        for record in records:
            if record.dataset != self.dataset:
                raise InputError(f"{record.clip_id} is of the dataset '{record.dataset}', not '{self.dataset}'")
            if record.kept and record.clip_id not in self.index:
                raise InputError(f"{record.clip_id} is not in the index of {self.dataset}: rerun the stage index")
            if record.kept and not self.video(record).is_file():
                raise InputError(f"{self.video(record)} is not there: rerun synthesise for {self.method}")

    def video(self, record: ClipRecord) -> Path:
        """Return where the generated video of a record lies."""
        return self.videos / f"{record.clip_id}.mp4"

    def score(self, records: list[ClipRecord]) -> list[ScoreRow]:
        """Return one row for every record, in the records' order."""
        kept = [record.clip_id for record in records if record.kept]
        levels = {record.clip_id: read_level(self.video(record), self.rate_hz) for record in records if record.kept}
        others = {
            clip_id: levels[kept[(place + 1) % len(kept)]] if len(kept) > 1 else ONLY_CLIP
            for place, clip_id in enumerate(kept)
        }
        rows = []
        for record in progress(records, f"score {self.method}"):
            if record.kept:
                measured = self._measure(record, levels[record.clip_id], others[record.clip_id])
            else:
                measured = _dropped(record)
            rows.append(self._row(record, measured))
        return rows

    def _measure(self, record: ClipRecord, level: Level, other: Level) -> Measurements:
        frames = list(media.decode(self.video(record)))
        height, width = frames[0].shape[:2]
        with store.open_shard(self.index[record.clip_id]["crop"]) as crops:
            crop = crops[record.clip_id]
            reference, landmarks = read_reference(crop, width, height), read_landmarks(crop, width)
        return ClipScorer(frames, reference, landmarks, level, other, self.settings).measure()

    def _row(self, record: ClipRecord, measured: Measurements) -> ScoreRow:
        return ScoreRow(
            clip_id=record.clip_id,
            speaker=record.speaker,
            split=record.split,
            dataset=record.dataset,
            method=self.method,
            source=self.index.get(record.clip_id, {}).get("source"),
            video=str(self.video(record)) if record.kept else None,
            metrics=measured.metrics,
            reasons=measured.reasons,
        )


def _dropped(record: ClipRecord) -> Measurements:
    reason = f"dropped at {record.lost_at or record.stage}: {record.reason}: {record.detail}"
    return Measurements({metric.name: None for metric in METRICS}, {metric.name: reason for metric in METRICS})


def write_run(arguments: argparse.Namespace, rows: list[ScoreRow], began: float) -> None:
    """Write the means, how many clips each is over, and what they were made from; MLflow gets the same."""
    means = {metric.name: mean_of(metric, rows) for metric in METRICS}
    index_sha256 = sha256(arguments.index)
    path = Path(arguments.run_json)
    run = Run(
        folder=path.with_suffix(""),
        stage="score",
        name=arguments.method,
        settings=json.loads(arguments.settings)["score"],
        data=index_sha256[:16],
        extra={
            "stage_version": STAGES["score"].version,
            "dataset": arguments.dataset,
            "index_sha256": index_sha256,
            "n": {name: mean.n for name, mean in means.items()},
            "clips": len(rows),
            "dropped": sum(row.video is None for row in rows),
        },
        began=began,
    )
    run.restart(0)
    videos = [Path(row.video) for row in rows if row.video][:SAMPLE_VIDEOS]
    run.write(path, {name: mean.value for name, mean in means.items()}, [Path(arguments.scores), *videos])

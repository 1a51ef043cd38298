"""Measure the videos of one method on one dataset.

Reads   the method's records and mp4s, the dataset's index and the crops it names
Writes  SCORES, .parquet: a row a record, dropped clips included, with the reason; FRAMES, .parquet: what is drawn of
        every clip; FEATURES, .npz: what pooled metrics compare; and `run.json` with the means. What is measured of a
        clip is kept beside SCORES in a folder, `METHOD.measured`, so that a killed job goes on; `.real` has
        the faces of the real videos, which every method's job needs
"""

import argparse
import json
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tavce.dataset import Entry, read_index
from tavce.files import input_file, sha256
from tavce.measure.drawn import write_features, write_frames
from tavce.measure.groups import Setup
from tavce.measure.kept import Kept
from tavce.measure.metrics import METRICS
from tavce.measure.rows import ScoreRow, mean_of, write_scores
from tavce.measure.scoring import Scored, Scorer, Task, score_all
from tavce.progress import progress
from tavce.records import ClipRecord, InputError, read_records
from tavce.stages import STAGES
from tavce.training.tracking import Run

log = logging.getLogger(__name__)
SAMPLE_VIDEOS = 2  # shown by MLflow


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--index", type=input_file, required=True, help="the dataset's index, .parquet")
    parser.add_argument("--records", type=input_file, required=True, help="what is said of every clip's video, .jsonl")
    parser.add_argument("--videos", required=True, help="folder of the method's CLIP_ID.mp4")
    parser.add_argument("--method", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--tavc", type=input_file, nargs="?", help="best.pt of the metric that TAVC asks")
    parser.add_argument("--scores", required=True, help="output: one row of scores a clip, .parquet")
    parser.add_argument("--frames", required=True, help="output: what is drawn of every clip, .parquet")
    parser.add_argument("--features", required=True, help="output: what pooled metrics compare, .npz")
    parser.add_argument("--threads", type=int, default=1, help="clips measured at once; results do not depend on it")
    parser.add_argument("--run-json", required=True, help="output: the means and what they were made from")


def run(arguments: argparse.Namespace) -> None:
    """Score every record of a method.

    Raises:
        InputError: a record belongs to another dataset, or a kept one has no video or no line in the index.
    """
    began = time.monotonic()
    records = read_records(arguments.records)
    kept = any(record.kept for record in records)
    index = {entry.clip_id: entry for entry in read_index([arguments.index])} if kept else {}
    job = Job(arguments.dataset, arguments.method, Path(arguments.videos), index)
    tasks = job.tasks(records)
    scores = Path(arguments.scores)
    kept, references = Kept(scores.with_suffix(".measured")), Kept(scores.with_name(".real"))
    scorer = Scorer(Setup.of(arguments.settings, arguments.tavc), kept, references)
    done = progress(score_all(scorer, tasks, arguments.threads), f"score {arguments.method}", total=len(tasks))
    scored = {task.entry.clip_id: result for task, result in zip(tasks, done, strict=True)}
    rows = [job.row(record, scored.get(record.clip_id)) for record in records]
    write_frames(arguments.frames, scored, scorer.setup.window.rate_hz)
    write_features(arguments.features, scored)
    write_scores(arguments.scores, rows)
    write_run(arguments, rows, began)
    fresh = Counter(group for result in scored.values() for group in result.new)
    log.info("score: measured now: %s", ", ".join(f"{name} of {n} clips" for name, n in fresh.items()) or "nothing")
    log.info("score: %d clips of %s, %d dropped", len(scored), arguments.method, len(rows) - len(scored))


@dataclass(frozen=True)
class Job:
    """One method's videos of one dataset."""

    dataset: str
    method: str
    videos: Path
    index: Mapping[str, Entry]

    def tasks(self, records: Sequence[ClipRecord]) -> list[Task]:
        """Return what is to be measured: every kept record, with the next one's sound as other sound.

        Raises:
            InputError: a record is of another dataset, or a kept one has no video or no line in the index.
        """
        for record in records:
            if record.dataset != self.dataset:
                raise InputError(f"{record.clip_id} is of the dataset '{record.dataset}', not '{self.dataset}'")
            if record.kept and record.clip_id not in self.index:
                raise InputError(f"{record.clip_id} is not in the index of {self.dataset}: rerun the stage index")
            if record.kept and not self._video(record.clip_id).is_file():
                raise InputError(f"{self._video(record.clip_id)} is not there: rerun synthesise for {self.method}")
        kept = [(self.index[record.clip_id], self._video(record.clip_id)) for record in records if record.kept]
        others = [*kept[1:], kept[0]] if len(kept) > 1 else [None] * len(kept)
        return [Task(*own, other) for own, other in zip(kept, others, strict=True)]

    def row(self, record: ClipRecord, scored: Scored | None) -> ScoreRow:
        """Return a record's row: what was measured, or for a dropped one the reason."""
        names = [metric.name for metric in METRICS if not metric.pooled]
        if scored is None:
            said = f"dropped at {record.lost_at}: {record.reason}: {record.detail}"
            measured = {"metrics": dict.fromkeys(names), "reasons": dict.fromkeys(names, said)}
        else:
            metrics = {name: scored.measured.metrics.get(name) for name in names}
            measured = {"metrics": metrics, "reasons": scored.measured.reasons, "video_sha256": scored.video_sha256}
        return ScoreRow(
            clip_id=record.clip_id,
            speaker=record.speaker,
            split=record.split,
            dataset=record.dataset,
            method=self.method,
            source=self.index[record.clip_id].source if record.clip_id in self.index else None,
            video=str(self._video(record.clip_id)) if record.kept else None,
            notes=record.numbers,
            **measured,
        )

    def _video(self, clip_id: str) -> Path:
        return self.videos / f"{clip_id}.mp4"


def write_run(arguments: argparse.Namespace, rows: list[ScoreRow], began: float) -> None:
    """Write the means, how many clips each is over, and what they were made from; MLflow gets the same."""
    means = {metric.name: mean_of(metric, rows) for metric in METRICS if not metric.pooled}
    index_sha256 = sha256(arguments.index)
    path = Path(arguments.run_json)
    run = Run(
        folder=path.with_suffix(""),
        stage="score",
        name=arguments.method,
        settings=json.loads(arguments.settings),
        data=index_sha256[:16],
        extra={
            "stage_version": STAGES["score"].version,
            "dataset": arguments.dataset,
            "index_sha256": index_sha256,
            "tavc": arguments.tavc and {"path": arguments.tavc, "sha256": sha256(arguments.tavc)},
            "identities": {metric.name: metric.identity for metric in METRICS},
            "n": {name: mean.n for name, mean in means.items()},
            "clips": len(rows),
            "dropped": sum(row.video is None for row in rows),
        },
        began=began,
    )
    run.restart(0)
    videos = [Path(row.video) for row in rows if row.video][:SAMPLE_VIDEOS]
    run.write(path, {name: mean.value for name, mean in means.items()}, [Path(arguments.scores), *videos])

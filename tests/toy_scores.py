"""Rows of scores by value, and the tables made from them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tavce.config.evaluation import Quoted, Tables
from tavce.evaluate.assemble import Wanted, make_tables, read_all
from tavce.evaluate.table import Table
from tavce.measure.metrics import METRICS
from tavce.measure.rows import ScoreRow, write_scores

NOT_ASKED = "not asked in this test"
ASK = Tables(
    baseline="ours",
    min_clips=2,
    min_speakers=2,
    draws=1000,
    alpha=0.05,
    frechet_n=6,
    frechet_subsets=3,
    seed=1,
)


def rows_of(run: str, speakers: Sequence[str], **numbers: Sequence[float | None]) -> list[ScoreRow]:
    """Return a row a speaker named, with these metrics; a number that is None failed with `no face`.

    Args:
        run: the method's name, with a seed where it is of another.
        speakers: of every clip.
        numbers: by metric, one a clip.
    """
    rows = []
    for place, speaker in enumerate(speakers):
        metrics = {metric.name: None for metric in METRICS} | {name: said[place] for name, said in numbers.items()}
        reasons = {name: "no face" if name in numbers else NOT_ASKED for name, said in metrics.items() if said is None}
        rows.append(
            ScoreRow(
                clip_id=f"clip_{place}",
                speaker=speaker,
                split="test",
                dataset="toy_set",
                method=run,
                source=None,
                video=f"toy_set/{run}/clip_{place}.mp4",
                metrics=metrics,
                reasons=reasons,
            )
        )
    return rows


def write_runs_of_scores(folder: Path, rows: Iterable[ScoreRow]) -> list[str]:
    """Write the rows of every run to a file of its name; return the paths."""
    by_run: dict[str, list[ScoreRow]] = {}
    for row in rows:
        by_run.setdefault(row.method, []).append(row)
    paths = [folder / f"{run}.parquet" for run in by_run]
    for path, said in zip(paths, by_run.values(), strict=True):
        write_scores(path, said)
    return [*map(str, paths)]


def write_features(path: Path, name: str, frames: int, shift: float, clips: int = 3) -> None:
    """Write features of a pooled metric, float32 [frames, 2]: `made` is `real` moved by `shift`."""
    real = np.random.default_rng(5).normal(size=(frames, 2)).astype(np.float32)
    ids = np.array([f"clip_{frame % clips}" for frame in range(frames)])
    np.savez(path, **{f"{name}.made": real + np.float32(shift), f"{name}.real": real, f"{name}.clips": ids})


def tables_of(
    folder: Path,
    rows: Iterable[ScoreRow],
    labels: Mapping[str, str],
    ablations: Sequence[str] = (),
    quoted: Mapping[str, Quoted] | None = None,
    **asked: object,
) -> tuple[Table, Table]:
    """Return the comparison and the ablation table of rows, with settings other than `ASK`'s."""
    wanted = Wanted(dict(labels), ablations, ASK.model_copy(update=asked), quoted or {})
    return make_tables(read_all("toy_set", write_runs_of_scores(folder, rows)), wanted)

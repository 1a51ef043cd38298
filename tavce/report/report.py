"""Write the report: one folder with a page and the videos it shows; nothing is loaded from elsewhere.

Reads   tables (csv), the funnel, runs with their histories, what metrics hear, rows of scores, and generated videos
        (files only)
Writes  OUT/index.html, OUT/listening/RECIPE.png, and OUT/videos/DATASET/METHOD/CLIP_ID.mp4, each with a .jpg of its
        middle frame, which phones and printers show in its place; the folder appears whole or not at all
"""

import argparse
import itertools
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import jinja2
from markupsafe import Markup

from tavce import media
from tavce.evaluate.seeds import SPREAD
from tavce.files import input_file, read_json
from tavce.measure.metrics import METRICS
from tavce.measure.rows import ScoreRow, by_method, parse_labels, read_scores
from tavce.records import InputError
from tavce.report import heard, sections

log = logging.getLogger(__name__)
STATIC = Path(__file__).with_name("static")
MAX_CLIPS = 12  # shown of a dataset
CAPTIONED = ("psnr", "lmd", "av_corr")  # metrics below a video


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--tables", type=input_file, required=True, nargs="+", help="one .csv a dataset")
    parser.add_argument("--funnel", type=input_file, required=True, help="funnel.json")
    parser.add_argument("--runs", type=input_file, required=True, nargs="+", help="run.json of the training stages")
    parser.add_argument("--listened", type=input_file, nargs="*", default=[], help="run.json of listen, one a metric")
    parser.add_argument("--scores", type=input_file, required=True, nargs="+", help="rows of scores, .jsonl")
    parser.add_argument("--labels", required=True, help="method → label, in the order shown, JSON")
    parser.add_argument("--videos-root", required=True, help="folder with DATASET/METHOD/CLIP_ID.mp4")
    parser.add_argument("--out", required=True, help="output: the report's folder")


def run(arguments: argparse.Namespace) -> None:
    """Write the report.

    Raises:
        InputError: a file is not what its argument says, or a video that was scored is missing.
    """
    labels = parse_labels(arguments.labels)
    scores: dict[str, list[ScoreRow]] = defaultdict(list)
    for path in arguments.scores:
        for row in read_scores(path):
            scores[row.dataset].append(row)
    tables = dict(sections.read_table(path) for path in arguments.tables)
    shown = {dataset: side_by_side(scores[dataset], labels) for dataset in tables}
    runs = sections.read_runs(arguments.runs)
    listened = heard.read_listened(arguments.listened)
    page = _template().render(
        tables=tables,
        missing={dataset: sections.missing_numbers(scores[dataset], labels) for dataset in tables},
        shown=shown,
        several_seeds=any(row.method not in labels for rows in scores.values() for row in rows),
        spread=SPREAD,
        max_clips=MAX_CLIPS,
        metrics=METRICS,
        listened=listened,
        heard=heard,
        funnel=sections.funnel_tables(read_json(arguments.funnel)),
        curves=sections.loss_curves(runs, arguments.runs),
        runs=sections.run_list(runs),
    )
    with whole_folder(Path(arguments.out)) as folder:
        copy_videos(shown, Path(arguments.videos_root), folder)
        copy_figures(listened, arguments.listened, folder)
        shutil.copytree(STATIC, folder, dirs_exist_ok=True)
        (folder / "index.html").write_text(page, encoding="utf-8")
    log.info("report: %s", Path(arguments.out) / "index.html")


@dataclass(frozen=True)
class Take:
    """One method's video of a clip: where it lies below `videos/`, or why there is none."""

    label: str
    video: str | None
    caption: str

    @property
    def poster(self) -> str:
        """Where the picture of the video lies, below `videos/`."""
        return f"{self.video.removesuffix('.mp4')}.jpg"


@dataclass(frozen=True)
class ClipTakes:
    """A clip by every method."""

    clip_id: str
    speaker: str
    source: str
    takes: tuple[Take, ...]


def side_by_side(rows: list[ScoreRow], labels: dict[str, str]) -> list[ClipTakes]:
    """Return at most `MAX_CLIPS` clips with a take of every method, by its first seed, in the labels' order.

    Speakers take turns, in the order of the rows; scores play no part in the choice.

    Raises:
        InputError: as `metrics.by_method`.
    """
    methods = {
        method: {row.clip_id: row for row in runs[method]}
        for method, runs in by_method(rows, labels).items()
        if runs[method]
    }
    turns: dict[str, int] = defaultdict(int)
    queue = []
    for place, row in enumerate({row.clip_id: row for row in rows if row.video and row.method in labels}.values()):
        queue.append((turns[row.speaker], place, row))
        turns[row.speaker] += 1
    chosen = [row for _, _, row in sorted(queue, key=lambda item: item[:2])[:MAX_CLIPS]]
    return [
        ClipTakes(
            row.clip_id,
            row.speaker,
            row.source or "",
            tuple(_take(labels[method], scored.get(row.clip_id)) for method, scored in methods.items()),
        )
        for row in chosen
    ]


def _take(label: str, row: ScoreRow | None) -> Take:
    if row is None:
        return Take(label, None, "not tried")
    if row.video is None:
        return Take(label, None, next(iter(row.reasons.values()), "dropped"))
    numbers = [
        f"{metric.heading}{sections.NO_BREAK}{row.metrics[metric.name]:.{metric.digits}f}"
        for metric in METRICS
        if metric.name in CAPTIONED and row.metrics.get(metric.name) is not None
    ]
    return Take(label, f"{row.dataset}/{row.method}/{row.clip_id}.mp4", " · ".join(numbers))


def copy_videos(shown: dict[str, list[ClipTakes]], root: Path, folder: Path) -> None:
    """Copy every shown video to `folder`/videos, and write its picture beside it.

    Raises:
        InputError: a video that was scored is not there.
    """
    takes = [take for clips in shown.values() for clip in clips for take in clip.takes if take.video]
    for take in takes:
        source, target = root / take.video, folder / "videos" / take.video
        if not source.is_file():
            raise InputError(f"{source} was scored but is not there: rerun synthesise and score")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        middle = media.frame_count(source) // 2
        picture = next(itertools.islice(media.decode(source), middle, None))
        cv2.imwrite(str(folder / "videos" / take.poster), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def copy_figures(listened: Sequence[heard.Listened], paths: Sequence[str], folder: Path) -> None:
    """Copy the figure beside every run.json of listen to `folder`/listening.

    Raises:
        InputError: one is not there.
    """
    for run, path in zip(listened, paths, strict=True):
        figure = Path(path).with_name("listening.png")
        if not figure.is_file():
            raise InputError(f"{figure} is not there: rerun listen for {run['name']}")
        (folder / "listening").mkdir(exist_ok=True)
        shutil.copyfile(figure, folder / "listening" / f"{run['name']}.png")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its place on success and is removed on failure."""
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    old = path.with_name(f"{path.name}.old-{os.getpid()}")
    part.mkdir(parents=True)
    try:
        yield part
        if path.exists():
            path.rename(old)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tavce.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawing"] = Markup  # charts escape their own texts
    return environment.get_template("index.html")

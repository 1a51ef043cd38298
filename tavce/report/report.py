"""Write the report: one folder with a page and all that it shows; nothing is loaded from elsewhere.

Reads   tables, the funnel, runs with their histories, what metrics hear, rows of scores, cards, self-tests, and
        generated videos (files only)
Writes  OUT/index.html with its style and scripts; OUT/data, what it loads on demand; OUT/charts, OUT/listening and
        OUT/videos; the folder appears whole or not at all
"""

import argparse
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tavce.config import parse_sections
from tavce.evaluate.table import Table, read_table
from tavce.files import input_file, read_json
from tavce.measure.rows import ScoreRow, parse_labels, read_scores
from tavce.records import InputError
from tavce.report import datasets, heard, sections, selftests
from tavce.report.clips import Shown, read_times, write_clips
from tavce.report.curves import write_charts
from tavce.report.environment import environment
from tavce.report.lineage import write_lineage
from tavce.report.page import STATIC, render
from tavce.report.players import Files, side_by_side, write_players
from tavce.report.scores import KINDS

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    files = {"type": input_file, "nargs": "*", "default": []}
    parser.add_argument("--tables", type=input_file, required=True, nargs="+", help="tables, .json")
    parser.add_argument("--funnel", type=input_file, required=True, help="funnel.json")
    parser.add_argument("--runs", type=input_file, required=True, nargs="+", help="run.json of the training stages")
    parser.add_argument("--listened", **files, help="run.json of listen, one a metric")
    parser.add_argument("--scores", type=input_file, required=True, nargs="+", help="rows of scores, .parquet")
    parser.add_argument("--labels", required=True, help="method → label, in the order shown, JSON")
    parser.add_argument("--cards", **files, help="card.json, one a dataset")
    parser.add_argument("--selftests", **files, help="results of selftest, .json, one a dataset")
    parser.add_argument("--videos-root", required=True, help="folder with DATASET/METHOD/CLIP_ID.mp4")
    parser.add_argument("--results-root", default="results", help="folder of results, where a cell's lineage is read")
    parser.add_argument("--out", required=True, help="output: the report's folder")


def run(arguments: argparse.Namespace) -> None:
    """Write the report.

    Raises:
        InputError: a file is not what its argument says, or a video that was scored is missing.
    """
    tables = sorted(map(read_table, arguments.tables), key=lambda table: [*KINDS].index(table.kind))
    listened = heard.read_listened(arguments.listened)
    runs = sections.read_runs(arguments.runs)
    shown: dict[str, Any] = {
        "tables": tables,
        "listened": listened,
        "cards": datasets.read_cards(arguments.cards),
        "selftests": selftests.read_selftests(arguments.selftests),
        "funnel": sections.funnel_tables(read_json(arguments.funnel)),
        "runs": sections.run_list(runs),
        "environment": environment(runs),
    }
    with whole_folder(Path(arguments.out)) as folder:
        shutil.copytree(STATIC, folder, dirs_exist_ok=True)
        copy_figures(listened, arguments.listened, folder)
        write_lineage(folder, tables, Path(arguments.results_root))
        shown["curves"] = write_charts(folder, sections.loss_curves(runs, arguments.runs))
        shown |= write_videos(folder, tables, arguments)
        (folder / "index.html").write_text(render(shown), encoding="utf-8")
    log.info("report: %s", Path(arguments.out) / "index.html")


def write_videos(folder: Path, tables: Sequence[Table], arguments: argparse.Namespace) -> dict[str, Any]:
    """Write what is played, and the numbers of every clip; return what the page says of them."""
    settings = parse_sections(arguments.settings)
    labels, root = parse_labels(arguments.labels), Path(arguments.results_root)
    scores: dict[str, list[ScoreRow]] = defaultdict(list)
    frames = {}
    for path in map(Path, arguments.scores):
        for row in read_scores(path):
            scores[row.dataset].append(row)
            frames[row.dataset, row.method] = path.with_name(f"{path.stem}.frames.parquet")
    max_clips = settings["report"].max_clips
    chosen = {dataset: side_by_side(rows, labels, max_clips) for dataset, rows in scores.items()}
    frames = {key: path for key, path in frames.items() if path.is_file()}
    write_players(folder, chosen, Files(Path(arguments.videos_root), frames))
    indexes = {dataset: root / dataset / "index.parquet" for dataset in scores}
    rate_hz = settings["trim"].rate_hz
    times = {dataset: read_times(index, rate_hz) for dataset, index in indexes.items() if index.is_file()}
    index = write_clips(folder, scores, Shown(labels, tables[0].baseline, arguments.videos_root, times))
    return {"players": chosen, "clip_index": index, "max_clips": max_clips}


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

"""How long the sheet of VoxCeleb2 takes, all of it, and how much memory: the first start of Snakemake waits for it.
And how long every later start takes: `snakemake -n` must not depend on the number of clips.

The annotations are made up, in the form of the published ones to the byte: as many utterances, videos and identities,
as long, boxes that stay for as many frames as in VoxCeleb1's real files. They lie in one zip, as published.
"""

import random
import statistics
import string
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

import psutil
import yaml

from tavce.config import PAPER, load, merge
from tests.bench.dag import snakemake
from tests.bench.measurement import Measurement, core_seconds

UTTERANCES, VIDEOS, IDENTITIES = 1_128_246, 150_480, 6_112
SHORTEST_FRAMES, MEAN_FRAMES, LONGEST_FRAMES = 100, 195, 1000
MEAN_RUN_FRAMES = 6.3
LATEST_START = 20_000
TRACKS = 500
FEW, SHARDS, REPEATS = 2000, 512, 3
GOAL_S, GOAL_MB = 300, 2000
GOAL_DRY_S, GOAL_GROWTH = 10, 1.1
SAMPLE_EVERY_S = 0.2
LETTERS = string.ascii_letters + string.digits + "-_"
FRAMES = [f"{number:06d} \t" for number in range(LATEST_START + LONGEST_FRAMES)]


def measure() -> Iterator[Measurement]:
    """Yield the time and memory of the sheet, and the time of dry runs with all utterances and with few of them."""
    core_s = {}
    for utterances in (FEW, UTTERANCES):
        with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
            yield from _sheet(Path(folder), utterances)
            runs = [snakemake(folder, "-n", "all") for _ in range(REPEATS)]
        name = f"snakemake -n, {SHARDS} shards of {utterances} utterances"
        yield Measurement(f"{name}, time", statistics.median(run.wall_s for run in runs), "s", at_most=GOAL_DRY_S)
        core_s[utterances] = min(run.core_s for run in runs)
    growth = core_s[UTTERANCES] / core_s[FEW]
    yield Measurement("snakemake -n, core time, all utterances / few", growth, "times", at_most=GOAL_GROWTH)


def _sheet(folder: Path, utterances: int) -> Iterator[Measurement]:
    """Write the sheet of so many utterances; yield its seconds, by the clock and of its cores, and its peak memory."""
    annotations = folder / "vox2_dev_txt.zip"
    write_annotations(annotations, utterances)
    split = {"val": 0.05, "test": "official", "seed": 2024}
    corpus = {"reader": "voxceleb2", "source": str(annotations), "shards": SHARDS, "split": split}
    changes = {"corpora": {"vox2": corpus}}
    (folder / "config.yaml").write_text(yaml.safe_dump(changes), encoding="utf-8")
    settings = load(merge(yaml.safe_load(PAPER.read_text(encoding="utf-8")), changes))
    command = ["sheet", "--settings", settings.sections("sheet"), "--results", str(folder / "results")]
    began, core_s = time.perf_counter(), core_seconds()
    with subprocess.Popen([sys.executable, "-m", "tavce", *command], stderr=subprocess.PIPE) as process:
        peak_bytes = _peak_bytes(process)
        assert process.returncode == 0, process.stderr.read().decode()
    took_s, core_s = time.perf_counter() - began, core_seconds() - core_s
    tables = (folder / "results" / "vox2" / "sheet").glob("*.jsonl")
    assert sum(path.read_bytes().count(b"\n") for path in tables) == utterances
    name = f"sheet of {utterances} utterances"
    yield Measurement(f"{name}, time", took_s, "s", at_most=GOAL_S)
    yield Measurement(f"{name}, core time", core_s, "s")  # which other work on the machine does not lengthen
    yield Measurement(f"{name}, memory", peak_bytes / 1e6, "MB", at_most=GOAL_MB)


def write_annotations(path: Path, utterances: int) -> None:
    """Write a zip of so many made-up annotation files; of fewer than all, with as many to a video and an identity."""
    draw = random.Random(2024)
    videos = max(1, utterances * VIDEOS // UTTERANCES)
    identities = max(1, videos * IDENTITIES // VIDEOS)
    tracks = [_track(draw) for _ in range(TRACKS)]
    of_video = _share_out(draw, utterances, videos)
    of_identity = _share_out(draw, videos, identities)
    counts = iter(of_video)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for number, own in enumerate(of_identity, 12):
            for _ in range(own):
                video_id = "".join(draw.choices(LETTERS, k=11))
                for utterance in range(1, next(counts) + 1):
                    text = _annotation(draw, f"id{number:05d}", video_id, draw.choice(tracks))
                    file.writestr(f"txt/id{number:05d}/{video_id}/{utterance:05d}.txt", text)


def _annotation(draw: random.Random, identity: str, video_id: str, track: list[str]) -> str:
    longer = int(draw.expovariate(1 / (MEAN_FRAMES - SHORTEST_FRAMES)))
    frames = min(SHORTEST_FRAMES + longer, LONGEST_FRAMES)
    start = draw.randrange(LATEST_START)
    head = (
        f"Identity  : \t{identity}\nReference : \t{video_id}\nOffset    : \t{draw.randint(-5, 5)}\n"
        f"FV Conf   : \t{draw.uniform(15, 24):.3f}\t({draw.randint(1, 3)})\nASD Conf  : \t{draw.uniform(2, 10):.3f}\n\n"
        "FRAME \tX \tY \tW \tH \n"
    )
    return head + "".join(chain.from_iterable(zip(FRAMES[start : start + frames], track[:frames], strict=True)))


def _track(draw: random.Random) -> list[str]:
    """Return the boxes of a face that moves now and then, as they end a line."""
    boxes: list[str] = []
    x, y, size = draw.uniform(0.1, 0.5), draw.uniform(0, 0.2), draw.uniform(0.2, 0.45)
    while len(boxes) < LONGEST_FRAMES:
        x, y = x + draw.gauss(0, 0.005), y + draw.gauss(0, 0.005)
        run = 1 + int(draw.expovariate(1 / (MEAN_RUN_FRAMES - 0.5)))
        boxes += [f"{x:.3f} \t{y:.3f} \t{size:.3f} \t{size * 16 / 9:.3f} \n"] * run
    return boxes[:LONGEST_FRAMES]


def _share_out(draw: random.Random, items: int, among: int) -> list[int]:
    """Return how many of the items each gets, one at least."""
    cuts = [0, *sorted(draw.sample(range(1, items), among - 1)), items]
    return [after - before for before, after in pairwise(cuts)]


def _peak_bytes(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, and return the most memory that it and those it started had at a time."""
    parent, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        now = 0
        for one in [parent, *_children(parent)]:
            try:
                now += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak = max(peak, now)
        time.sleep(SAMPLE_EVERY_S)
    return peak


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return parent.children(recursive=True)
    except psutil.NoSuchProcess:
        return []

"""What the stages take on one core: to start, for a clip, for a second of video, and for a megapixel of it.

Every stage's real command runs in a process of its own on shards that differ in how many clips they have, how long and
how large these are; costs are the best fit, none below zero, to the processor time that the processes took. The stages
that only read records run on made-up ones, many enough to be seen.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tavce import store
from tavce.config import paper
from tavce.data.index import DIGESTED
from tavce.faces.mean_face import MEAN_FACE
from tavce.metric.model import Encoders
from tavce.records import ClipRecord, Row, read_records, write_lines
from tavce.stages import SHARD_STAGES
from tavce.training import checkpoint
from tests.bench.data_stages import TIMED
from tests.bench.fitting import best_fit, costs_of_two
from tests.bench.talking_clip import HEIGHT_PX, WIDTH_PX, write_talking_clip
from tests.bench.workbench import Workbench

RATE_HZ = 25
SHORT_FRAMES = 75
TERMS = ("job_s", "clip_s", "second_s", "pixel_s")
WITH_PIXELS = ("trim", "detect", "crop")  # the others never see the source's frames
CHEAP, REPEATS = ("quality", "mel", "motion"), 5  # what they add to the start would drown in one start's noise
RECORDS = 20_000
BASIS_CLIPS, BASIS_FRAMES = (200, 3000), 100
LISTENED_CLIPS = (1, 3)


@dataclass(frozen=True)
class Case:
    """A shard: so many clips of one video."""

    clips: int
    frames: int | None = None  # None = the whole video
    scale: float = 1

    @property
    def megapixels(self) -> float:
        """The size of a frame."""
        return round(self.scale * WIDTH_PX) * round(self.scale * HEIGHT_PX) / 1e6


CASES = (Case(1), Case(8), Case(20, SHORT_FRAMES), Case(8, scale=1.5))


@dataclass(frozen=True)
class Sample:
    """What a job was given, what it took and what it left."""

    case: Case
    seconds: float  # of video
    core_s: float
    bytes: int


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Return the costs of every stage (`tavce.plan.costs.StageCost`); the second case's files are left in `folder`."""
    samples: dict[str, list[Sample]] = {}
    for number, case in enumerate(CASES):
        for stage, sample in _run(Workbench(folder / f"case{number}" / "bench"), case):
            samples.setdefault(stage, []).append(sample)
    costs = {"download": _download(folder / "download")}
    costs |= {stage: _fit(items, stage in WITH_PIXELS) for stage, items in samples.items()}
    costs["listen"] = _listen(folder / "case1" / "bench")
    return costs | _records(folder / "records") | {"basis": _basis(folder / "basis")}


def core_seconds(arguments: Sequence[str], folder: Path) -> float:
    """Return the processor time that a `tavce` command takes in a process of its own, its children's included."""
    environment = {"OMP_NUM_THREADS": "1", "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    with tempfile.TemporaryFile() as output:
        command = [sys.executable, "-m", "tavce", *arguments]
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        assert process.returncode == 0, output.read().decode()
    return usage.ru_utime + usage.ru_stime


def _run(bench: Workbench, case: Case) -> Iterator[tuple[str, Sample]]:
    """Yield what the stages take on a shard."""
    bench.folder.mkdir(parents=True)
    write_talking_clip(bench.video, case.scale)
    write_lines(bench.path("sheet"), [_row(bench.video, number, case) for number in range(case.clips)])
    bench.run("download")
    seconds = None
    for stage in TIMED:
        if stage == "motion":
            _fit_basis(bench)
        repeats = REPEATS if stage in CHEAP else 1
        core_s = min(core_seconds(bench.command(stage), bench.folder) for _ in range(repeats))
        records = read_records(bench.path(stage))
        assert all(record.kept for record in records), records
        if stage == "trim":
            seconds = sum(record.numbers["seconds"] for record in records)
        arrays = Path(bench.path(stage, ".h5"))
        yield stage, Sample(case, seconds, core_s, arrays.stat().st_size if arrays.is_file() else 0)
    for stage, core_s, size in _evaluate(bench.folder):
        yield stage, Sample(case, seconds, core_s, size)


def _row(video: Path, number: int, case: Case) -> Row:
    start = 0 if case.frames is None else number
    return Row(
        clip_id=f"clip{number}",
        dataset="bench",
        split="test",
        speaker=f"s{number}",
        video_id="clip",
        source=str(video),
        start_frame=start,
        end_frame=None if case.frames is None else start + case.frames - 1,
    )


def _fit_basis(bench: Workbench) -> None:
    """Fit an expression basis, on clips that are called training clips for the purpose."""
    records = read_records(bench.path("quality"))
    write_lines(bench.path("quality"), [record.model_copy(update={"split": "train"}) for record in records])
    bench.run("basis")
    write_lines(bench.path("quality"), records)


def _evaluate(root: Path) -> Iterator[tuple[str, float, int]]:
    """Yield what making and measuring the videos of the ground truth takes, and their size."""
    index, fates, videos = str(root / "index.parquet"), str(root / "index.jsonl"), root / "videos"
    core_seconds(["index", "--root", str(root), "--shards", "0000", "--out", index, "--records", fates], root)
    made = ["--method", "ground_truth", "--index", index, "--records", str(root / "made.jsonl")]
    made += ["--videos", str(videos)]
    command = ["synthesise", "--settings", paper().sections("synthesise"), *made, "--fates", fates]
    yield "synthesise", core_seconds(command, root), sum(path.stat().st_size for path in videos.iterdir())
    files = {option: str(root / f"scores.{option}") for option in ("scores", "frames", "features", "run-json")}
    written = [text for option, file in files.items() for text in (f"--{option}", file)]
    command = ["score", "--settings", paper().sections("score"), "--dataset", "bench", *made, *written]
    core_seconds(command, root)  # makes the tables of an MLflow database
    shutil.rmtree(root / "scores.measured")
    yield "score", core_seconds(command, root), sum(Path(file).stat().st_size for file in files.values())


def _listen(root: Path) -> dict[str, float]:
    """Return what asking a metric what it hears takes, on clips of a finished shard of the bench."""
    _write_metric(root / "metric.pt")
    asked = ["--metric", str(root / "metric.pt"), "--indexes", str(root / "index.parquet"), "--folder"]
    spent = {}
    for count in LISTENED_CLIPS:
        listening = paper().listening.model_copy(update={"max_clips": count})
        sections = paper().model_copy(update={"listening": listening}).sections("listen")
        command = ["listen", "--name", "paper", "--settings", sections, *asked, str(root / f"listen{count}")]
        spent[count] = core_seconds(command, root)
    return costs_of_two(spent)


def _write_metric(path: Path) -> None:
    """Write a metric that has learnt nothing, of the paper's sizes."""
    recipe = paper().metrics["paper"]
    state = {"encoders": Encoders(recipe.networks, recipe.input_px).state_dict()}
    checkpoint.save(path, {"settings": json.dumps({"metric": recipe.model_dump(mode="json")}), "networks": state})


def _download(folder: Path) -> dict[str, float]:
    """Return what fetching takes besides the network: every clip is a video of its own, served by this machine."""
    spent = {}
    for count in (1, 20):
        bench = Workbench(folder / f"{count}")
        bench.folder.mkdir(parents=True)
        write_talking_clip(bench.video)
        rows = [_row(bench.video, number, Case(count)) for number in range(count)]
        served = [row.model_copy(update={"source": "served:clip.mp4", "video_id": row.clip_id}) for row in rows]
        write_lines(bench.path("sheet"), served)
        spent[count] = core_seconds([*bench.command("download"), "--serve", str(bench.folder)], bench.folder)
        assert all(record.kept for record in read_records(bench.path("download")))
    return costs_of_two(spent)


def _records(folder: Path) -> dict[str, dict[str, float]]:
    """Return what the stages take that read nothing but records."""
    spent: dict[str, dict[int, float]] = {"index": {}, "funnel": {}}
    for count in (1, RECORDS):
        root = folder / f"{count}" / "bench"
        for stage in ("sheet", *SHARD_STAGES):
            (root / stage).mkdir(parents=True)
        rows = [_row(Path("clip.mp4"), number, Case(count)) for number in range(count)]
        write_lines(root / "sheet" / "0000.jsonl", rows)
        for stage in SHARD_STAGES:
            write_lines(root / stage / "0000.jsonl", [_record(row, stage) for row in rows])
        for stage in DIGESTED:
            with store.create(root / stage / "0000.h5", store.Origin(stage, 1, "0" * 16)):
                pass
        written = ["--out", str(root / "index.parquet"), "--records", str(root / "index.jsonl")]
        spent["index"][count] = core_seconds(["index", "--root", str(root), "--shards", "0000", *written], root)
        funnel = str(root.parent / "funnel.json")
        written = ["--out", funnel, "--dropped", str(root.parent / "dropped.tsv")]
        where = ["--results", str(root.parent), "--datasets", "bench"]
        spent["funnel"][count] = core_seconds(["funnel", *where, *written], root)
    return {stage: costs_of_two(times) for stage, times in spent.items()}


def _record(row: Row, stage: str) -> ClipRecord:
    numbers = {"frames": 195, "first_frame": 0, "mel_steps": 625, "seconds": 7.8}
    named = row.model_dump(include={"clip_id", "dataset", "split", "speaker"})
    return ClipRecord(**named, stage=stage, version=1, numbers=numbers)


def _basis(folder: Path) -> dict[str, float]:
    """Return what fitting the expression basis takes, on landmarks of faces that wobble."""
    random, spent = np.random.default_rng(2024), {}
    for count in BASIS_CLIPS:
        bench = Workbench(folder / f"{count}")
        rows = [_row(bench.video, number, Case(count)).model_copy(update={"split": "train"}) for number in range(count)]
        write_lines(bench.path("quality"), [_record(row, "quality") for row in rows])
        with store.create(bench.path("crop", ".h5"), store.Origin("crop", 1, "0" * 16)) as shard:
            for row in rows:
                face = 128 + 60 * MEAN_FACE[:, :2] + random.normal(size=(BASIS_FRAMES, 68, 2))
                shard.put(row.clip_id, {"landmarks": face.astype(np.float32)})
        spent[count] = core_seconds(bench.command("basis"), bench.folder)
        shutil.rmtree(bench.folder)
    return costs_of_two(spent)


def _fit(samples: Sequence[Sample], with_pixels: bool) -> dict[str, float]:
    """Return a stage's costs in time and in bytes."""
    terms = TERMS if with_pixels else TERMS[:-1]
    given = [[1, sample.case.clips, sample.seconds, sample.seconds * sample.case.megapixels] for sample in samples]
    times = best_fit([row[: len(terms)] for row in given], [sample.core_s for sample in samples], terms)
    left = ("second_bytes", "pixel_bytes")[: len(terms) - 2]
    return times | best_fit([row[2 : len(terms)] for row in given], [sample.bytes for sample in samples], left)

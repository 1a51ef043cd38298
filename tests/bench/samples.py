"""How fast the metric's samples are read on one core, at the paper's sizes, and what the stored mouths cost on disk.

The crops show a photograph's face, which talks and turns, lit and grained anew in every clip: their JPEGs are as large
as those of real faces. Every repeat begins with a reader that has decoded nothing, and takes few draws of many clips:
so it is for draws at random from a corpus of any size. `from frames` reads the same samples where the shards store no
mouth of the size asked for: whole frames are decoded, as the released code does.
"""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from tavce import store
from tavce.config import paper
from tavce.config.learning import Metric
from tavce.data.crop import compress
from tavce.dataset import Clips, Entry
from tavce.demo.movement import move
from tavce.demo.speakers import head_of
from tavce.loading import single_threaded
from tavce.metric.pairs import PairDraws
from tests.bench.measurement import Measurement, core_seconds, median_ratio, seconds
from tests.packed import pack

GOAL_SAMPLES_PER_S = 800
CLIPS, SHARDS, FRAMES = 96, 8, 80
MEL_STEPS = 1 + FRAMES * 640 // 200
HEADS = 4
DRAWS, REPEATS = 200, 7
GRAIN, GAINS = 1.0, (0.8, 1.2)  # standard deviation of 255 levels, and how differently clips are lit


def measure() -> Iterator[Measurement]:
    """Yield samples a second of the paper's recipe and of one whose negatives have another voice, and bytes a frame."""
    single_threaded()
    recipe = paper().metrics["paper"]
    recipes = {name: recipe.model_copy(update={"negatives": name}) for name in ("time", "both")}
    whole = recipe.model_copy(update={"mouth_px": recipe.mouth_px - 1})
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        entries = _write(Path(folder))
        spent: dict[str, list[float]] = {name: [] for name in (*recipes, "from frames")}
        for seed in range(REPEATS):
            for name, asked in (*recipes.items(), ("from frames", whole)):
                spent[name].append(_seconds(entries, asked, seed))
        for name in recipes:
            speed = DRAWS / statistics.median(spent[name])
            yield Measurement(f"samples, negatives {name}", speed, "samples/s per core", at_least=GOAL_SAMPLES_PER_S)
        yield Measurement(
            "samples from frames / from mouths", median_ratio(spent["from frames"], spent["time"]), "times"
        )
        yield from _disk(entries)


def _seconds(entries: Sequence[Entry], recipe: Metric, seed: int) -> float:
    """Return the core seconds of some draws by a reader that has read nothing; the first draw is not counted."""
    draws = PairDraws(entries, Clips(paper().window), recipe, seed)
    draws[0]
    return seconds(lambda: [draws[number] for number in range(1, DRAWS + 1)], core_seconds)


def _disk(entries: Sequence[Entry]) -> Iterator[Measurement]:
    sizes = {"frames": 0, "mouths": 0}
    for path in {entry.crop for entry in entries}:
        with h5py.File(path) as file:
            for name in sizes:
                sizes[name] += sum(len(clip[name]) for clip in file.values())
    for name, size in sizes.items():
        yield Measurement(f"samples: {name} on disk", size / (CLIPS * FRAMES), "bytes/frame")
    yield Measurement("samples: mouths on disk", 100 * sizes["mouths"] / sizes["frames"], "% of the frames")


def _write(folder: Path) -> list[Entry]:
    """Write shards of crops and mels; return what an index would say of their clips."""
    heads = [_talk(number) for number in range(HEADS)]
    paths: dict[str, list[str]] = {stage: [] for stage in ("crop", "mel")}
    for shard in range(SHARDS):
        clips = range(shard, CLIPS, SHARDS)
        arrays = {"crop": (_crops(heads[clip % HEADS], clip) for clip in clips), "mel": map(_mel, clips)}
        for stage, made in arrays.items():
            paths[stage].append(str(folder / stage / f"{shard:04}.h5"))
            said = {"size_px": paper().crop.size_px, "mouth_px": paper().crop.mouth_px} if stage == "crop" else {}
            with store.create(paths[stage][-1], store.Origin(stage, 1, "0" * 16)) as writer:
                for clip, stored in zip(clips, made, strict=True):
                    writer.put(f"clip{clip}", stored, **said)
    digests = {path: store.stored_digest(path) for stage in paths.values() for path in stage}
    return [
        _entry(clip, {stage: stored[clip % SHARDS] for stage, stored in paths.items()}, digests)
        for clip in range(CLIPS)
    ]


def _entry(clip: int, paths: dict[str, str], digests: dict[str, str]) -> Entry:
    return Entry(
        clip_id=f"clip{clip}", dataset="bench", split="train", speaker=f"s{clip}", source="", shard="", first_frame=0,
        frames=FRAMES, mel_steps=MEL_STEPS, trim="", motion="", motion_digest="", **paths,
        **{f"{stage}_digest": digests[path] for stage, path in paths.items()},
    )  # fmt: skip


def _talk(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return a talking head's pictures uint8 [S, S, 3] and their landmarks float32 [68, 2]."""
    opening, spread = np.random.default_rng(number).uniform(0, 1, (2, FRAMES))
    return [head_of(number).frame(expression) for expression in move(opening, spread, number).expressions()]


def _crops(head: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    gain = random.uniform(*GAINS)
    jpegs = []
    for picture, landmarks in head:
        grained = gain * picture + random.normal(0, GRAIN, picture.shape)
        jpegs.append(compress(np.clip(grained, 0, 255).astype(np.uint8), landmarks, paper().crop))
    pictures, mouths = zip(*jpegs, strict=True)
    landmarks = np.stack([landmarks for _, landmarks in head])
    return {**pack(pictures), **pack(mouths, store.MOUTHS), "landmarks": landmarks}


def _mel(seed: int) -> dict[str, np.ndarray]:
    return {"mel": np.random.default_rng(seed).uniform(-4, 4, (MEL_STEPS, 80)).astype(np.float32)}

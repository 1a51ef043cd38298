"""How fast the metric's samples are read on one core, at the paper's sizes, and what the stored mouths cost on disk.

Every repeat begins with a reader that has decoded nothing, and takes few draws of many clips:
so it is for draws at random from a corpus of any size. `from frames` reads the same samples where the shards store no
mouth of the size asked for: whole frames are decoded, as the released code does.
"""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py

from tavce.config import paper
from tavce.config.learning import Metric
from tavce.dataset import Clips, Entry
from tavce.loading import single_threaded
from tavce.metric.pairs import PairDraws
from tests.bench.measurement import Measurement, core_seconds, median_ratio, seconds
from tests.bench.stored_clips import CLIPS, FRAMES, write_clips

GOAL_SAMPLES_PER_S = 800
DRAWS, REPEATS = 200, 7


def measure() -> Iterator[Measurement]:
    """Yield samples a second of the paper's recipe and of one whose negatives have another voice, and bytes a frame."""
    single_threaded()
    recipe = paper().metrics["paper"]
    recipes = {name: recipe.model_copy(update={"negatives": name}) for name in ("time", "both")}
    whole = recipe.model_copy(update={"mouth_px": recipe.mouth_px - 1})
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        entries = write_clips(Path(folder))
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

"""How fast the renderer's samples are read on one core, at the paper's sizes: two frames of 256 px and a mouth each.

Every repeat begins with a reader that has decoded nothing, and takes few draws of many clips: so it is for draws at
random from a corpus of any size.
"""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tavce.config import paper
from tavce.dataset import Clips, Entry
from tavce.generator.samples import FrameDraws, FrameShape
from tavce.loading import single_threaded
from tests.bench.measurement import Measurement, core_seconds, seconds
from tests.bench.stored_clips import write_clips

GOAL_SAMPLES_PER_S = 300
DRAWS, REPEATS = 150, 7


def measure() -> Iterator[Measurement]:
    """Yield samples a second."""
    single_threaded()
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        entries = write_clips(Path(folder))
        spent = statistics.median(_seconds(entries, seed) for seed in range(REPEATS))
    yield Measurement("frame samples", DRAWS / spent, "samples/s per core", at_least=GOAL_SAMPLES_PER_S)


def _seconds(entries: Sequence[Entry], seed: int) -> float:
    """Return the core seconds of some draws by a reader that has read nothing; the first draw is not counted."""
    settings = paper()
    networks, recipe = settings.renderers["ours"].networks, settings.metrics["paper"]
    shape = FrameShape(networks.image_px, networks.mapping.window, recipe.spacing, recipe.mouth_px, recipe.input_px)
    draws = FrameDraws(entries, Clips(settings.window), shape, seed)
    draws[0]
    return seconds(lambda: [draws[number] for number in range(1, DRAWS + 1)], core_seconds)

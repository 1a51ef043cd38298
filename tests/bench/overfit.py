"""How well the renderer learns two speaking heads by heart at 64 px, by its real command on one core (minutes).

Modules beside the tests import each other by their bare names, so their folder is put on the import path.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from tests.bench.measurement import Measurement, core_seconds

GOAL_DB = 28
TRAINING = {"batch": 2, "epochs": 8, "repeats": 125, "rate": 1e-3, "decay_every": 5, "decay": 0.3}


def measure() -> Iterator[Measurement]:
    """Yield the PSNR of painted frames, that of the source frame held, and what learning took."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from learnt_by_heart import learn_faces

    torch.set_num_threads(1)
    folder, began = Path(tempfile.mkdtemp(prefix="tavce-bench-")), core_seconds()
    try:
        likeness = learn_faces(folder, **TRAINING)
    finally:
        shutil.rmtree(folder)
    yield Measurement("overfit: painted", likeness.painted, "dB", at_least=GOAL_DB)
    yield Measurement("overfit: source frame held", likeness.held, "dB")
    yield Measurement("overfit: corpus and 1000 steps", core_seconds() - began, "core s")

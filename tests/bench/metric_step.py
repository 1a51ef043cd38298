"""A training step of the metric at batch 16, without L_rec: its time, the share of it that waits for data, and ratios.

Sizes are the demo's and the paper's. One loader process decodes every mouth anew, as it must for a corpus that is
larger than what a process remembers; one thread learns, or a GPU where there is one. Ratios are of steps taken in turn
on one batch: half precision, or channels last, to neither.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
import yaml
from cachetools import LRUCache
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from tavce.config import load, merge, paper
from tavce.config.learning import Metric
from tavce.dataset import Clips
from tavce.loading import DrawRange
from tavce.metric.pairs import PairDraws
from tavce.metric.train import MetricLearner
from tavce.training.data_wait import DataWait
from tavce.training.descent import take_step
from tavce.training.gradients import refuse_broken
from tavce.training.loop import fabric
from tests.bench.measurement import Measurement, median_ratio, seconds
from tests.bench.portrait_clips import write_clips
from tests.pipeline import PAPER

DEMO = PAPER.with_name("demo.yaml")
CLIPS = 8
STEPS = {"demo": 40, "paper": 3}  # on one core; ten times as many on a GPU
TURNS = {"demo": 9, "paper": 3}
FEWER = {"demo": 1, "paper": 4}  # a core compares the paper's sizes on a quarter of the batch
MOST_WAITING = 0.02  # of the time of the steps: they never wait, but for handing over what is ready


@dataclass(frozen=True)
class Way:
    """How a step is computed."""

    name: str
    precision: str = "32-true"
    layout: torch.memory_format = torch.contiguous_format


WAYS = (Way("plain"), Way("bf16-mixed", precision="bf16-mixed"), Way("channels last", layout=torch.channels_last))


class Trainer:
    """The metric's learner on an engine, as the loop sets it up."""

    def __init__(self, recipe: Metric, way: Way):
        settings = recipe.model_copy(
            update={"training": recipe.training.model_copy(update={"precision": way.precision})}
        )
        self.engine: Fabric = fabric(settings.training)
        self.learner = MetricLearner(settings, self.engine)
        encoders = self.learner.networks["encoders"].to(memory_format=way.layout)
        self.learner.networks["encoders"] = self.engine.setup_module(encoders).train()
        self.learner.optimisers["all"] = self.engine.setup_optimizers(self.learner.optimisers["all"])

    def step(self, batch: dict[str, Tensor]) -> None:
        """Learn from a batch, and wait for the end of it."""
        take_step(self.engine, self.learner, [batch])["loss"].item()


def measure() -> Iterator[Measurement]:
    """Yield times, shares and ratios at both sizes."""
    torch.set_num_threads(1)
    demo = load(merge(yaml.safe_load(PAPER.read_text()), yaml.safe_load(DEMO.read_text())))
    for name, settings in (("demo", demo), ("paper", paper())):
        recipe = settings.metrics["paper"].model_copy(update={"reconstruction_weight": 0})
        with tempfile.TemporaryDirectory() as folder:
            clips = Clips(settings.window)
            clips._pictures, clips._arrays = LRUCache(1), LRUCache(1)
            draws = PairDraws(write_clips(Path(folder), CLIPS, settings.crop), clips, recipe, 0)
            yield from _waits(name, recipe, draws)
            yield from _ratios(name, recipe, draws)


def _waits(name: str, recipe: Metric, draws: PairDraws) -> Iterator[Measurement]:
    trainer, wait = Trainer(recipe, WAYS[0]), DataWait()
    steps = STEPS[name] * (1 if trainer.engine.device.type == "cpu" else 10)
    loader = DataLoader(draws, batch_sampler=DrawRange(0, steps, recipe.training.batch), num_workers=1)
    for batch in wait.over(trainer.engine.setup_dataloaders(loader, use_distributed_sampler=False)):
        trainer.step(batch)
        wait.step_taken()
    waited_s, spent_s = wait.seconds
    where = f"metric step, {name} sizes, batch {recipe.training.batch}, {trainer.engine.device.type}"
    yield Measurement(where, 1000 * (spent_s - waited_s) / (steps - 1), "ms")
    yield Measurement(f"{where}: waiting for one loader", waited_s / spent_s, "of the time", at_most=MOST_WAITING)
    batch_s = seconds(lambda: [draws[number] for number in range(recipe.training.batch)], time.process_time)
    needed = batch_s * (steps - 1) / (spent_s - waited_s)
    yield Measurement(f"{where}: work of one loader", needed, "of its time", at_most=0.5)
    optimiser = trainer.learner.optimisers["all"]
    check_s = statistics.median(seconds(lambda: refuse_broken(trainer.engine, optimiser)) for _ in range(21))
    share = check_s * (steps - 1) / (spent_s - waited_s)
    yield Measurement(f"{where}: are gradients finite", share, "of the time", at_most=0.01)


def _ratios(name: str, recipe: Metric, draws: PairDraws) -> Iterator[Measurement]:
    trainers = {way: Trainer(recipe, way) for way in WAYS}
    device = trainers[WAYS[0]].engine.device.type
    count = recipe.training.batch // (FEWER[name] if device == "cpu" else 1)
    batch = torch.utils.data.default_collate([draws[number] for number in range(count)])
    times: dict[Way, list[float]] = {way: [] for way in WAYS}
    for turn in range(1 + TURNS[name]):
        for way, trainer in trainers.items():
            given = {key: trainer.engine.to_device(value) for key, value in batch.items()}
            spent_s = seconds(lambda trainer=trainer, given=given: trainer.step(given))
            times[way] += [spent_s] if turn else []  # the first time takes longer
    for way in islice(WAYS, 1, None):
        ratio = median_ratio(times[WAYS[0]], times[way])
        where = f"metric step, {name} sizes, batch {count}, {device}"
        yield Measurement(f"{where}: {way.name}", ratio, "times as fast")

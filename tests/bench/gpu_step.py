"""What a GPU makes of the renderer: training steps in several precisions and batches, and frames of a talking portrait.

Weights and data are random: they change no time. The share is of what one large matrix product of the same precision
reaches on this device. Where there is no CUDA device, one line says so and nothing is measured.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest import mock

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from tavce.config import Settings
from tavce.generator.renderer import RendererLearner
from tavce.generator.talking import talk
from tavce.metric.model import Encoders, FrozenMetric
from tavce.training.acceleration import accelerate, laid_out
from tavce.training.descent import take_step
from tavce.training.features import FEATURES
from tavce.training.loop import fabric
from tests.bench.measurement import Measurement
from tests.bench.untrained import noise, sized, untrained_networks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """How a step is computed."""

    name: str
    precision: str
    channels_last: bool = False
    compile: bool = False


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    steps: int
    batches: tuple[int, ...]
    frames: int
    product: int  # side of the matrices


WAYS = (
    Way("fp32", "32-true"),
    Way("bf16", "bf16-mixed"),
    Way("bf16, channels last", "bf16-mixed", channels_last=True),
    Way("bf16, channels last, compiled", "bf16-mixed", channels_last=True, compile=True),
)
EXTENT = Extent(steps=10, batches=(4, 8, 16, 32, 64, 128), frames=500, product=8192)


def measure() -> Iterator[Measurement]:
    """Yield step times, samples and frames a second; nothing where there is no CUDA device."""
    if not torch.cuda.is_available():
        log.warning("gpu: no CUDA device, nothing is measured")
        return
    yield from measured(sized("paper"), WAYS, EXTENT, torch.device("cuda"))


def measured(settings: Settings, ways: tuple[Way, ...], extent: Extent, device: torch.device) -> Iterator[Measurement]:
    """Yield the measurements of settings on a device."""
    for way in ways:
        best = _product_flops(way, extent, device)
        for batch in extent.batches:
            try:
                step_s, flops = _step(settings, way, batch, extent.steps)
            except torch.OutOfMemoryError:
                log.warning("gpu: %s, batch %d does not fit", way.name, batch)
                break
            where = f"gpu, renderer step, {way.name}, batch {batch}"
            yield Measurement(where, 1000 * step_s, "ms")
            yield Measurement(where, batch / step_s, "samples/s")
            yield Measurement(where, flops / step_s / best, "of a matrix product's FLOP/s")
    networks, given = untrained_networks(settings, device), noise(settings, extent.frames)
    next(talk(networks, *given))
    spent_s = _seconds(lambda: sum(len(batch) for batch in talk(networks, *given)), device)
    yield Measurement(f"gpu, talking at {settings.synthesise.image_px} px", extent.frames / spent_s, "frames/s")


def _product_flops(way: Way, extent: Extent, device: torch.device) -> float:
    """Return the FLOP/s of a matrix product."""
    side, dtype = extent.product, torch.float32 if way.precision == "32-true" else torch.bfloat16
    one, other = torch.ones(2, side, side, device=device, dtype=dtype)
    one @ other
    spent_s = _seconds(lambda: [one @ other for _ in range(extent.steps)], device)
    return extent.steps * 2 * side**3 / spent_s


def _step(settings: Settings, way: Way, batch: int, steps: int) -> tuple[float, int]:
    """Return the seconds and the operations of a training step."""
    variant, recipe = settings.trainings["ours"], settings.metrics["paper"]
    chosen = {"precision": way.precision, "channels_last": way.channels_last, "compile": way.compile, "batch": batch}
    training = variant.training.model_copy(update=chosen)
    variant = variant.model_copy(update={"training": training})
    engine = fabric(training)
    metric = engine.to_device(FrozenMetric(Encoders(recipe.networks, recipe.input_px), recipe))
    with mock.patch("tavce.generator.renderer.load_features", lambda name: FEATURES[name]().eval()):
        learner = RendererLearner(variant, settings.motion.expression + 6, metric, engine)
    for name, network in learner.networks.items():
        accelerate(network, training)
        learner.networks[name] = engine.setup_module(network)
    for name, optimiser in learner.optimisers.items():
        learner.optimisers[name] = engine.setup_optimizers(optimiser)
    samples = laid_out({name: engine.to_device(value) for name, value in _samples(settings, batch).items()}, training)
    take_step(engine, learner, [samples])
    with FlopCounterMode(display=False) as counter:
        take_step(engine, learner, [samples])
    spent_s = _seconds(lambda: [take_step(engine, learner, [samples]) for _ in range(steps)], engine.device)
    return spent_s / steps, counter.get_total_flops()


def _samples(settings: Settings, batch: int) -> dict[str, Tensor]:
    """Return a batch as `FrameDraws` gives it, of noise."""
    networks, mouth_px = settings.renderers["ours"].networks, settings.metrics["paper"].input_px
    pictures = torch.rand(2, batch, 3, networks.image_px, networks.image_px)
    windows = torch.randn(2, batch, settings.motion.expression + 6, networks.mapping.window)
    return {
        **dict(zip(("source", "target"), pictures, strict=True)),
        "before": torch.rand(batch, 3, mouth_px, mouth_px),
        **dict(zip(("source_window", "target_window"), windows, strict=True)),
        "mels": torch.randn(batch, 2, 1, settings.mel.bins, settings.window.steps),
        "target_box": torch.tensor([0.35, 0.6, 0.3]).expand(batch, 3),
    }


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Return how long work takes until the device has done it."""

    def finished() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    began = finished()
    work()
    return finished() - began

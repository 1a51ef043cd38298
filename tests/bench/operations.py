"""How many operations a training step of every network takes, and how long one core loads a sample for it.

Operations are those of convolutions and matrix products, forward and backward, counted by torch.utils.flop_counter
while a real step runs on the CPU; a multiplication and an addition are two. The feature networks of perceptual losses
and the estimator of the expression loss have random weights here: what they cost does not depend on them.
"""

import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.flop_counter import FlopCounterMode

from tavce.config import Settings
from tavce.dataset import Clips, Draws, read_index
from tavce.faces.basis import ExpressionBasis
from tavce.generator.audio2exp import ExpressionLearner
from tavce.generator.audio2pose import PoseLearner
from tavce.generator.estimator import FrozenEstimator, build_estimator
from tavce.generator.model import FaceRenderer
from tavce.generator.renderer import RendererLearner
from tavce.generator.rendering import PortraitRenderer
from tavce.generator.samples import ExpressionDraws, FrameDraws, FrameShape, PoseDraws, unit_pictures
from tavce.metric.losses import Lpips, PerceptualDistance
from tavce.metric.model import Encoders, FrozenMetric
from tavce.metric.pairs import PairDraws
from tavce.metric.train import MetricLearner
from tavce.networks.perceptual import VGG16_GROUPS
from tavce.plan.learning import Network, networks
from tavce.training.descent import take_step
from tavce.training.features import FEATURES
from tavce.training.job import Learner

BATCH = 2
LOADED = 60  # samples, of which few share a picture
COPIES = 5  # weights in best.ckpt and best.pt, and in last.ckpt with Adam's two moments
BYTES = 4  # of a float32


def measure(folder: Path, settings: Settings) -> dict[str, dict[str, object]]:
    """Return the costs of every network of the settings by shape (`tavce.plan.costs.TrainingCost`).

    `folder` holds a finished shard of the bench: index.parquet, and basis.npz.
    """
    torch.set_num_threads(1)
    shapes: dict[str, Network] = {}
    for network in networks(dict(settings)):
        shapes.setdefault(network.shape, network)
    return {shape: _measure(folder, settings, network) for shape, network in shapes.items()}


def _measure(folder: Path, settings: Settings, network: Network) -> dict[str, object]:
    with (
        mock.patch("tavce.generator.renderer.load_features", _features),
        mock.patch("tavce.generator.renderer.load_estimator", lambda sizes: FrozenEstimator(build_estimator(sizes))),
        mock.patch("tavce.metric.train.load_distance", _distance),
    ):
        learner, draws = _prepared(folder, settings, network)
    engine = Fabric(accelerator="cpu", devices=1)
    for name, module in learner.networks.items():
        learner.networks[name] = engine.setup_module(module)
    for name, optimiser in learner.optimisers.items():
        learner.optimisers[name] = engine.setup_optimizers(optimiser)
    batch = torch.utils.data.default_collate([draws[number] for number in range(BATCH)])
    weights = sum(weight.numel() for module in learner.networks.values() for weight in module.parameters())
    costs: dict[str, object] = {
        "what": f"{' '.join(network.key).strip()}, {weights / 1e6:.1f} million weights",
        "flops": _operations(lambda: take_step(engine, learner, [batch])) / BATCH,
        "loader_s": _loading_s(draws),
        "bytes": weights * BYTES * COPIES,
    }
    if network.stage == "renderer":
        costs["frame_flops"] = _frame_operations(learner, batch)
    return costs


def _features(name: str) -> torch.nn.Module:
    return FEATURES[name]().requires_grad_(False).eval()


def _distance(name: str) -> torch.nn.Module:
    if name == "lpips_vgg":
        return Lpips(_features("vgg16"), [torch.ones(channels) for channels, _ in VGG16_GROUPS])
    return PerceptualDistance(_features(name))


def _prepared(folder: Path, settings: Settings, network: Network) -> tuple[Learner, Draws]:
    """Return what learns, and what it learns from."""
    entries, clips = read_index([str(folder / "index.parquet")]), Clips(settings.window)
    section = network.section
    if network.stage == "metric":
        return MetricLearner(section, Fabric(accelerator="cpu", devices=1)), PairDraws(entries, clips, section, 0)
    if network.stage == "audio2exp":
        basis = ExpressionBasis.load(folder / "basis.npz")
        return ExpressionLearner(section, basis), ExpressionDraws(entries, clips, section.frames, 0)
    if network.stage == "audio2pose":
        learner = PoseLearner(section, np.ones(6, np.float32))
        return learner, PoseDraws(entries, clips, {}, section.frames, 0)
    recipe = settings.metrics[section.metric]
    metric = FrozenMetric(Encoders(recipe.networks, recipe.input_px), recipe)
    networks = section.networks
    shape = FrameShape(networks.image_px, networks.mapping.window, recipe.spacing, recipe.mouth_px, recipe.input_px)
    draws = FrameDraws(entries, clips, shape, 0)
    coefficients = clips.motion(entries[0]).shape[1]
    return RendererLearner(section, coefficients, metric, Fabric(accelerator="cpu", devices=1)), draws


def _operations(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def _frame_operations(learner: Learner, batch: dict[str, torch.Tensor]) -> int:
    """Return the operations that paint one frame of a portrait that is known."""
    model: FaceRenderer = learner.networks["renderer"].module.eval()
    renderer, batch = PortraitRenderer(model), unit_pictures(batch)
    seen = renderer.look(batch["source"][:1], batch["source_window"][:1])
    features = model.generator.sizes.attention_features
    attention = None if features is None else torch.ones(1, features)
    return _operations(lambda: renderer.frames(seen, batch["target_window"][:1], attention))


def _loading_s(draws: Draws) -> float:
    """Return the processor seconds that one sample takes."""
    draws[0]
    began = time.process_time()
    for number in range(1, LOADED + 1):
        draws[number]
    return (time.process_time() - began) / LOADED

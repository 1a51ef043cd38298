"""Train one variant of the face renderer, with the correlation as attention and as a loss.

Reads   the indexes, the shards they name, and a trained metric
Writes  best.pt, run.json, history.jsonl and samples.png (source, target, painted, difference) into its folder
Source  paper.md, stage 2. Mouth boxes are those of the stored landmarks, for a painted frame those of its target (the
        release runs a detector on what it painted). Every ablation is a setting of this one stage.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from tavce.config import parse_sections
from tavce.config.learning import Renderer
from tavce.dataset import Clips, index_digest, read_index
from tavce.files import input_file, sha256, whole
from tavce.generator.losses import (
    PyramidLoss,
    feature_matching_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    masked_l1,
    mouth_boxes,
)
from tavce.generator.model import FaceRenderer, load_renderer
from tavce.generator.samples import FrameDraws, FrameShape
from tavce.metric.losses import correlation_loss, weighted_sum
from tavce.metric.model import FrozenMetric, load_metric
from tavce.networks.discriminator import DiscriminatorSizes, MultiScaleDiscriminator
from tavce.published.files import digests, identity
from tavce.published.starts import start_renderer
from tavce.records import InputError
from tavce.training.features import load_features
from tavce.training.loop import fabric
from tavce.training.ranks import first_does
from tavce.training.stage import Task, descend, detached, mean_terms, train, training_arguments

SAMPLES = 6  # rows of samples.png


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--name", required=True, help="the variant's name")
    training_arguments(parser)
    parser.add_argument("--metric", type=input_file, required=True, help="best.pt of the metric")


def run(arguments: argparse.Namespace) -> None:
    """Train one variant.

    Raises:
        InputError: a loss is asked for that cannot be computed.
    """
    torch.set_num_threads(arguments.threads)
    sections = parse_sections(arguments.settings)
    settings: Renderer = sections["renderer"]
    if settings.weights.expression:
        raise InputError("weights.expression needs a frozen head-pose/expression estimator, which is not built in: 0")
    metric = load_metric(arguments.metric)
    networks, training = settings.networks, settings.training
    shape = FrameShape(networks.image_px, networks.mapping.window, metric.recipe.spacing, metric.recipe.mouth_px)
    clips = Clips(sections["window"])
    draws = tuple(
        FrameDraws(read_index(arguments.indexes, split), clips, shape, training.seed + number)
        for number, split in enumerate(("train", "val"))
    )
    coefficients = clips.motion(draws[0].entries[0]).shape[1]
    data = f"{index_digest(arguments.indexes)}-{sha256(arguments.metric)[:16]}{identity(settings.start_weights)}"
    engine = fabric(training)
    learner = RendererLearner(settings, coefficients, engine.to_device(metric), engine)
    task = Task("renderer", training, data, arguments.name, {"weights": digests(settings.all_weights)})
    track, numbers = train(task, arguments, learner, engine, draws)

    def finish() -> None:
        draw_samples(track.folder, draws[1], metric.cpu())
        track.finish(numbers, [track.folder / "best.pt", track.folder / "samples.png"])

    first_does(finish)


class RendererLearner:
    """Learns mapping, keypoints and generator against a discriminator."""

    criterion = "l1"

    def __init__(self, settings: Renderer, coefficients: int, metric: FrozenMetric, engine: Fabric):
        torch.manual_seed(settings.training.seed)
        self._settings = settings
        self._metric = metric
        attention = metric.recipe.networks.features if settings.attention else None
        model = FaceRenderer(settings.networks, coefficients, attention)
        self.networks: dict[str, nn.Module] = {"renderer": model}
        mapping = [*model.mapping.parameters()]
        mapped = {id(weight) for weight in mapping}
        others = [weight for weight in model.parameters() if id(weight) not in mapped]
        groups = [{"params": mapping, "lr": settings.mapping_rate}, {"params": others}]
        self.optimisers = {"renderer": torch.optim.Adam(groups, lr=settings.training.rate, betas=settings.betas)}
        if settings.weights.gan or settings.weights.feature_matching:
            judge = MultiScaleDiscriminator(DiscriminatorSizes(**settings.networks.discriminator.model_dump()))
            self.networks["discriminator"] = judge
            judging = torch.optim.Adam(judge.parameters(), lr=settings.training.rate, betas=settings.betas)
            self.optimisers["discriminator"] = judging
        start_renderer(self.networks, settings)
        if settings.weights.perceptual:
            features = load_features(settings.perceptual)
            self._pyramid = engine.to_device(PyramidLoss(features, settings.perceptual_scales))

    def step(self, fabric: Fabric, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Learn from one batch: first the discriminator, then the renderer."""
        painted = self._paint(batch)
        terms = {}
        if "discriminator" in self.networks:
            judge = self.networks["discriminator"]
            real, fake = judge(batch["target"]), judge(painted.detach())
            judged = hinge_discriminator_loss([item.prediction for item in real], [item.prediction for item in fake])
            descend(fabric, self.optimisers["discriminator"], judged)
            with fabric.no_backward_sync(judge):  # it does not learn from these: ranks need not share its gradients
                terms = self._judged(judge, batch["target"], painted)
        terms |= self._compared(batch, painted)
        weights = self._settings.weights.model_dump()
        loss = weighted_sum([(weights[name], value) for name, value in terms.items()])
        descend(fabric, self.optimisers["renderer"], loss)
        return detached({"loss": loss, **terms})

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return the mean losses that compare pictures."""
        return mean_terms([self._compared(batch, self._paint(batch)) for batch in batches])

    def _paint(self, batch: dict[str, Tensor]) -> Tensor:
        attention = None
        if self._settings.attention:
            with torch.no_grad():
                attention = self._metric.attention(batch["mels"])
        renderer = self.networks["renderer"]
        return renderer(batch["source"], batch["source_window"], batch["target_window"], attention).prediction.float()

    def _judged(self, judge: nn.Module, target: Tensor, painted: Tensor) -> dict[str, Tensor]:
        """Return the losses that need the discriminator, which does not learn from them."""
        with torch.no_grad():
            real = judge(target)
        fake = judge(painted)
        gan = hinge_generator_loss([item.prediction for item in fake])
        return {"gan": gan, "feature_matching": feature_matching_loss(real, fake)}

    def _compared(self, batch: dict[str, Tensor], painted: Tensor) -> dict[str, Tensor]:
        """Return the losses that compare the painted frame with the target and with the sound."""
        weights = self._settings.weights
        terms = {"l1": functional.l1_loss(painted, batch["target"])}
        if weights.mouth_l1:
            terms["mouth_l1"] = masked_l1(painted, batch["target"], batch["target_box"])
        if weights.perceptual:
            terms["perceptual"] = self._pyramid(painted, batch["target"])
        if weights.correlation:
            terms["correlation"] = self._correlation(batch, painted)
        return terms

    def _correlation(self, batch: dict[str, Tensor], painted: Tensor) -> Tensor:
        """Return L_corr on the mouths of the real frame before and the painted one."""
        side = self._metric.recipe.input_px
        before = mouth_boxes(batch["before"], batch["before_box"], side) * 2 - 1
        now = mouth_boxes(painted, batch["target_box"], side) * 2 - 1
        with torch.no_grad():
            heard = self._metric.audio_change(batch["mels"])
        return correlation_loss(heard, self._metric.face_change(before, now), self._metric.recipe.signed)


@torch.no_grad()
def draw_samples(folder: Path, validation: FrameDraws, metric: FrozenMetric) -> None:
    """Write samples.png: rows of source, target, painted frame and absolute difference."""
    model, settings = load_renderer(folder / "best.pt")
    batch = torch.utils.data.default_collate([validation[draw] for draw in range(SAMPLES)])
    attention = metric.attention(batch["mels"]) if settings.attention else None
    painted = model(batch["source"], batch["source_window"], batch["target_window"], attention).prediction
    columns = [batch["source"], batch["target"], painted, (painted - batch["target"]).abs()]
    rows = torch.cat([torch.cat([*column], dim=1) for column in columns], dim=2)
    picture = (rows.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    with whole(folder / "samples.png") as part:
        cv2.imwrite(str(part), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

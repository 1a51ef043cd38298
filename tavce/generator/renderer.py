"""Train one variant of the face renderer, with the correlation as attention and as a loss.

Reads   the indexes, the shards they name, a trained metric, and the published weights that the settings name
Writes  best.pt, run.json, history.jsonl, samples.png and samples/step_*.png (`pictures.Samples`) into its folder
Source  paper.md, stage 2. Mouth boxes are those of the stored landmarks, for a painted frame those of its target (the
        release runs a detector on what it painted). Every ablation is a setting of this one stage.
"""

import argparse
from collections.abc import Iterable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from tavce.config import parse_sections
from tavce.config.generator import Renderer
from tavce.dataset import Clips, index_digest, read_index
from tavce.files import input_file, sha256
from tavce.generator.estimator import load_estimator
from tavce.generator.losses import (
    PyramidLoss,
    expression_loss,
    feature_matching_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    masked_l1,
    mouth_boxes,
)
from tavce.generator.model import FaceRenderer, RenderedFace, load_renderer
from tavce.generator.pictures import Samples
from tavce.generator.samples import FrameDraws, FrameShape, unit_pictures
from tavce.metric.correlation import channel_attention
from tavce.metric.losses import correlation_loss, weighted_sum
from tavce.metric.model import FrozenMetric, load_metric
from tavce.networks.discriminator import DiscriminatorSizes, MultiScaleDiscriminator
from tavce.published.files import digests, identity
from tavce.published.starts import start_renderer
from tavce.training.acceleration import channels_last
from tavce.training.features import load_features
from tavce.training.job import Losses, Pictures
from tavce.training.loop import fabric
from tavce.training.ranks import first_does
from tavce.training.stage import Task, mean_terms, train, training_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--name", required=True, help="the variant's name")
    training_arguments(parser)
    parser.add_argument("--metric", type=input_file, required=True, help="best.pt of the metric")


def run(arguments: argparse.Namespace) -> None:
    """Train one variant."""
    torch.set_num_threads(arguments.threads)
    sections = parse_sections(arguments.settings)
    settings: Renderer = sections["renderer"]
    metric = load_metric(arguments.metric)
    networks, training = settings.networks, settings.training
    recipe = metric.recipe
    shape = FrameShape(networks.image_px, networks.mapping.window, recipe.spacing, recipe.mouth_px, recipe.input_px)
    clips = Clips(sections["window"])
    draws = tuple(
        FrameDraws(read_index(arguments.indexes, split), clips, shape, training.seed + number)
        for number, split in enumerate(("train", "val"))
    )
    coefficients = clips.motion(draws[0].entries[0]).shape[1]
    data = f"{index_digest(arguments.indexes)}-{sha256(arguments.metric)[:16]}{identity(settings.placed_weights)}"
    engine = fabric(training)
    learner = RendererLearner(settings, coefficients, engine.to_device(metric), engine)
    samples = Samples(draws[1], metric, settings.attends)
    pictures = Pictures(settings.samples_every, lambda path: samples.draw(learner.networks["renderer"], path))
    extra = {"weights": digests(settings.all_weights)}
    task = Task("renderer", training, data, arguments.name, extra, pictures)
    track, numbers = train(task, arguments, learner, engine, draws)

    def finish() -> None:
        best, picture = track.folder / "best.pt", track.folder / "samples.png"
        samples.draw(engine.to_device(load_renderer(best)[0]), picture)
        track.finish(numbers, [best, picture])

    first_does(finish)


class RendererLearner:
    """Learns mapping, keypoints and generator against a discriminator."""

    criterion = "l1"
    averaged = ("renderer",)

    def __init__(self, settings: Renderer, coefficients: int, metric: FrozenMetric, engine: Fabric):
        torch.manual_seed(settings.training.seed)
        self._settings = settings
        self._metric = metric
        attention = metric.recipe.networks.features if settings.attends else None
        model = FaceRenderer(settings.networks, coefficients, attention, settings.attention)
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
            if settings.training.channels_last:
                channels_last(self._pyramid)
        if settings.weights.expression:
            self._estimator = engine.to_device(load_estimator(settings.networks))
            if settings.training.channels_last:
                channels_last(self._estimator)

    def losses(self, batch: dict[str, Tensor]) -> Losses:
        """Return what one batch teaches the discriminator and the renderer."""
        batch = unit_pictures(batch)
        heard = self._hear(batch)
        rendered = self._render(batch, heard)
        of, terms = {}, {}
        if "discriminator" in self.networks:
            judge = self.networks["discriminator"]
            real, fake = judge(batch["target"]), judge(rendered.prediction)
            scores = [[item.prediction for item in judged] for judged in (real, fake)]
            of["discriminator"] = hinge_discriminator_loss(*scores)
            terms = {"gan": hinge_generator_loss(scores[1]), "feature_matching": feature_matching_loss(real, fake)}
        terms |= self._compared(batch, rendered, heard)
        weights = self._settings.weights.model_dump()
        of["renderer"] = weighted_sum([(weights[name], value) for name, value in terms.items()])
        return Losses(of, {"loss": of["renderer"], **terms})

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return the mean losses that compare what is rendered with what is real."""
        results = []
        for batch in map(unit_pictures, batches):
            heard = self._hear(batch)
            results.append(self._compared(batch, self._render(batch, heard), heard))
        return mean_terms(results)

    def _hear(self, batch: dict[str, Tensor]) -> Tensor | None:
        """Return how the sound changes, d_a [B, C]; None where nothing listens to it."""
        if not (self._settings.attends or self._settings.weights.correlation):
            return None
        with torch.no_grad():
            return self._metric.audio_change(batch["mels"])

    def _render(self, batch: dict[str, Tensor], heard: Tensor | None) -> RenderedFace:
        """Return the painted frame and its expression: of one call, outside of which ranks share no gradients."""
        attention = channel_attention(heard) if self._settings.attends else None
        renderer = self.networks["renderer"]
        rendered = renderer(batch["source"], batch["source_window"], batch["target_window"], attention)
        return RenderedFace(*(value.float() for value in rendered))

    def _compared(self, batch: dict[str, Tensor], rendered: RenderedFace, heard: Tensor | None) -> dict[str, Tensor]:
        """Return the losses that compare what is rendered with the target and with the sound."""
        weights, painted = self._settings.weights, rendered.prediction
        terms = {"l1": functional.l1_loss(painted, batch["target"])}
        if weights.mouth_l1:
            terms["mouth_l1"] = masked_l1(painted, batch["target"], batch["target_box"])
        if weights.perceptual:
            terms["perceptual"] = self._pyramid(painted, batch["target"])
        if weights.expression:
            terms["expression"] = expression_loss(rendered.expression, self._estimator(batch["target"]))
        if weights.correlation:
            terms["correlation"] = self._correlation(batch, painted, heard)
        return terms

    def _correlation(self, batch: dict[str, Tensor], painted: Tensor, heard: Tensor) -> Tensor:
        """Return L_corr on the mouths of the real frame before and the painted one."""
        side = self._metric.recipe.input_px
        before = batch["before"] * 2 - 1
        now = mouth_boxes(painted, batch["target_box"], side) * 2 - 1
        return correlation_loss(heard, self._metric.face_change(before, now), self._metric.recipe.signed)

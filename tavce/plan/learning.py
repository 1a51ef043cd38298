"""How much there is to learn: the networks of the settings, their shape, and the steps of a training.

A shape is a digest of every setting that changes how many operations a training step takes, and of no other: networks
of one shape cost the same a sample, whatever they are trained on.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavce.config.data import Section
from tavce.config.learning import Training
from tavce.config.variants import trainings
from tavce.files import digest

SHAPING = {
    "metric": ("networks", "input_px", "negatives", "perceptual"),
    "audio2exp": ("audio_channels", "frames"),
    "audio2pose": (
        *("audio_channels", "frames", "latent", "styles", "hidden"),
        *("audio_embedding", "unet_channels", "discriminator_channels"),
    ),
    "renderer": ("networks", "attention", "perceptual", "perceptual_scales"),
}


@dataclass(frozen=True)
class Network:
    """One network that the settings name: its stage, its recipe or training ("" where there is one), its shape."""

    stage: str
    name: str
    section: Any  # Metric, Audio2Exp, Audio2Pose or Renderer
    shape: str

    @property
    def key(self) -> tuple[str, str]:
        """Stage and name."""
        return self.stage, self.name

    def steps(self, clips: int) -> int:
        """Return the training steps in which every clip is drawn `repeats` times, in every epoch."""
        training: Training = self.section.training
        return math.ceil(clips * training.repeats / training.samples_a_step) * training.epochs

    def samples(self, clips: int) -> int:
        """Return the samples of all steps."""
        return self.steps(clips) * self.section.training.samples_a_step


def networks(settings: Mapping[str, Any]) -> Iterator[Network]:
    """Yield every network that is trained under the settings' typed sections."""
    steps = settings["window"].steps
    for name, recipe in settings["metrics"].items():
        chosen = [*_chosen("metric", recipe), bool(recipe.reconstruction_weight)]
        yield Network("metric", name, recipe, digest([steps, *chosen]))
    for stage in ("audio2exp", "audio2pose"):
        yield Network(stage, "", settings[stage], digest([steps, *_chosen(stage, settings[stage])]))
    for name, variant in trainings(settings["renderers"]).items():
        losses = {loss: bool(weight) for loss, weight in variant.weights.model_dump().items()}
        metric = settings["metrics"][variant.metric]
        heard = [metric.networks.model_dump(mode="json"), metric.input_px]
        chosen = _chosen("renderer", variant)
        if not losses["expression"]:
            del chosen[0]["estimator"]  # never built
        yield Network("renderer", name, variant, digest([steps, *chosen, losses, heard]))


def _chosen(stage: str, section: Section) -> list[Any]:
    return [section.model_dump(mode="json", include={key})[key] for key in SHAPING[stage]]

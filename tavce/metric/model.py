"""The metric's two encoders, and how they are stored.

Shapes: B samples, C embedding entries, S side of the mouth box in px, W mel steps.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tavce.config.learning import Metric, MetricNetworks
from tavce.metric.correlation import channel_attention
from tavce.networks.encoders import (
    AudioEncoderSizes,
    CorrelationAudioEncoder,
    CorrelationAudioEncoderSizes,
    ResNet18Encoder,
    VisualEncoder,
    VisualEncoderSizes,
)
from tavce.training import checkpoint

VISUAL = {"resnet18": ResNet18Encoder, "iresnet18": VisualEncoder}


class Encoders(nn.Module):
    """E_a and E_v: a voice and a face to embeddings of one space."""

    def __init__(self, sizes: MetricNetworks, input_px: int):
        super().__init__()
        audio = CorrelationAudioEncoderSizes(AudioEncoderSizes(sizes.audio_channels), sizes.features)
        self.audio = CorrelationAudioEncoder(audio)
        self.face = VISUAL[sizes.visual](VisualEncoderSizes(input_px, sizes.visual_channels, sizes.features))

    def voices(self, mels: Float[Tensor, "B N 1 80 W"]) -> Float[Tensor, "B N C"]:
        """Return the embeddings of N mel windows a sample."""
        return self.audio(mels.flatten(0, 1)).unflatten(0, mels.shape[:2])

    def faces(self, pictures: Float[Tensor, "B N 3 S S"]) -> Float[Tensor, "B N C"]:
        """Return the embeddings of N mouth pictures a sample, in [−1, 1]."""
        return self.face(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])

    def forward(self, mels: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return the embeddings of both."""
        return self.voices(mels), self.faces(pictures)


class FrozenMetric(nn.Module):
    """A trained metric as the generator uses it: no gradient to its weights, always in evaluation mode."""

    def __init__(self, encoders: Encoders, recipe: Metric):
        super().__init__()
        self.encoders = encoders.requires_grad_(False).eval()
        self.recipe = recipe

    def train(self, mode: bool = True) -> "FrozenMetric":
        """Stay in evaluation mode, so that batch statistics cannot drift (a defect of the release)."""
        return self

    def audio_change(self, mels: Float[Tensor, "B 2 1 80 W"]) -> Float[Tensor, "B C"]:
        """Return d_a from the first to the second window of each sample."""
        before, now = self.encoders.voices(mels).unbind(dim=1)
        return now - before

    def attention(self, mels: Float[Tensor, "B 2 1 80 W"]) -> Float[Tensor, "B C"]:
        """Return the channel attention |d_a| / ‖d_a‖; zero where both windows are the same."""
        return channel_attention(self.audio_change(mels))

    def face_change(self, before: Float[Tensor, "B 3 S S"], now: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B C"]:
        """Return d_v between mouth boxes in [−1, 1]; no gradient flows through the one before."""
        with torch.no_grad():
            first = self.encoders.face(before)
        return self.encoders.face(now) - first


def load_metric(path: str | Path) -> FrozenMetric:
    """Return the metric of a `best.pt`, frozen.

    Raises:
        InputError: the checkpoint cannot be read, or is of another version.
    """
    return restore_metric(path, checkpoint.load(path))


def restore_metric(path: str | Path, state: Mapping[str, Any]) -> FrozenMetric:
    """Return the metric of a loaded checkpoint, frozen; an error names `path`.

    Raises:
        InputError: it is of another version.
    """
    recipe = checkpoint.section(path, state, "metric")
    encoders = Encoders(recipe.networks, recipe.input_px)
    encoders.load_state_dict(state["networks"]["encoders"])
    return FrozenMetric(encoders, recipe)

"""From speech to expression coefficients.

Contract: mel windows of T frames, the portrait's own expression and the blink wanted give T frames of expression.
Source: SadTalker's ExpNet.

Shapes: B clips, T frames, X expression coefficients.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.encoders import AudioEncoder, AudioEncoderSizes
from tavce.networks.sizes import require_positive


@dataclass(frozen=True)
class Audio2ExpSizes:
    """The audio encoder and the number of expression coefficients."""

    audio: AudioEncoderSizes
    expression: int

    def __post_init__(self) -> None:
        require_positive(self)


class Audio2Exp(nn.Module):
    """One linear layer on the audio features, the reference expression and the blink ratio of each frame."""

    def __init__(self, sizes: Audio2ExpSizes) -> None:
        super().__init__()
        self.audio = AudioEncoder(sizes.audio)
        self.linear = nn.Linear(self.audio.out_features + sizes.expression + 1, sizes.expression)

    def forward(
        self,
        mel: Float[Tensor, "B T 1 80 16"],
        reference: Float[Tensor, "B T X"],
        blink: Float[Tensor, "B T 1"],
    ) -> Float[Tensor, "B T X"]:
        """Return the expression of every frame; any number of frames will do."""
        features = self.audio(mel.flatten(0, 1)).unflatten(0, mel.shape[:2])
        return self.linear(torch.cat([features, reference, blink], dim=2))

"""From speech to head motion: a conditional VAE over short sequences, and the discriminator it is trained against.

Contract: motion is the pose of every frame minus that of the first (the reference); frame t goes with mel window t.
The networks see features of the audio, made by `encoders.AudioEncoder`.
Source: SadTalker's PoseVAE. Unlike the released code, the log-variance has its own layer in use.

Shapes: B sequences, T frames, P pose numbers (3 rotation, 3 translation), A audio features, L latent entries.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from tavce.networks.sequence_unet import SequenceUnet
from tavce.networks.sizes import require_halvings, require_positive

REACH = 3.0  # movement, in standard deviations, that an untrained decoder can make either way


@dataclass(frozen=True)
class PoseCvaeSizes:
    """Layout of the CVAE; `frames` must be halved once for every step between `unet_channels`.

    `audio_embedding` is what the features of a frame's audio are narrowed to, `hidden` the width of both MLPs.
    """

    frames: int
    pose: int
    audio_features: int
    audio_embedding: int
    latent: int
    styles: int
    hidden: int
    unet_channels: tuple[int, ...]

    def __post_init__(self) -> None:
        require_positive(self)
        require_halvings(self.frames, len(self.unet_channels) - 1, "PoseCvaeSizes.frames")


class PoseReconstruction(NamedTuple):
    """The motion decoded from a sampled code, and the distribution of that code."""

    motion: Float[Tensor, "B T P"]
    mean: Float[Tensor, "B L"]
    log_variance: Float[Tensor, "B L"]


class PoseEncoder(nn.Module):
    """Motion, audio, reference pose and style to the distribution of a latent code."""

    def __init__(self, sizes: PoseCvaeSizes) -> None:
        super().__init__()
        self.style_bias = nn.Parameter(torch.randn(sizes.styles, sizes.latent))
        self.unet = SequenceUnet(sizes.unet_channels)
        self.audio = nn.Linear(sizes.audio_features, sizes.audio_embedding)
        inputs = sizes.pose + sizes.frames * (sizes.pose + sizes.audio_embedding) + sizes.latent
        self.hidden = nn.Linear(inputs, sizes.hidden)
        self.mean = nn.Linear(sizes.hidden, sizes.latent)
        self.log_variance = nn.Linear(sizes.hidden, sizes.latent)

    def forward(
        self,
        motion: Float[Tensor, "B T P"],
        reference: Float[Tensor, "B P"],
        audio: Float[Tensor, "B T A"],
        style: Int[Tensor, " B"],
    ) -> tuple[Float[Tensor, "B L"], Float[Tensor, "B L"]]:
        """Return mean and log-variance of the code."""
        inputs = [reference, self.unet(motion).flatten(1), self.audio(audio).flatten(1), self.style_bias[style]]
        hidden = F.relu(self.hidden(torch.cat(inputs, dim=1)))
        return self.mean(hidden), self.log_variance(hidden)


class PoseDecoder(nn.Module):
    """A latent code, audio, reference pose and style to motion."""

    def __init__(self, sizes: PoseCvaeSizes) -> None:
        super().__init__()
        self.frames = sizes.frames
        self.style_bias = nn.Parameter(torch.randn(sizes.styles, sizes.latent))
        self.audio = nn.Linear(sizes.audio_features, sizes.audio_embedding)
        inputs = sizes.pose + sizes.latent + sizes.frames * sizes.audio_embedding
        self.hidden = nn.Linear(inputs, sizes.hidden)
        self.sequence = nn.Linear(sizes.hidden, sizes.frames * sizes.pose)
        self.unet = SequenceUnet(sizes.unet_channels)
        self.pose = nn.Linear(sizes.pose, sizes.pose)
        with torch.no_grad():  # of torch's own beginning, 0 … 1 of the U-net would move the head by a tenth of REACH
            self.pose.weight.copy_(2 * REACH * torch.eye(sizes.pose))
            self.pose.bias.fill_(-REACH)

    def forward(
        self,
        code: Float[Tensor, "B L"],
        reference: Float[Tensor, "B P"],
        audio: Float[Tensor, "B T A"],
        style: Int[Tensor, " B"],
    ) -> Float[Tensor, "B T P"]:
        """Return the motion relative to the reference pose."""
        inputs = [reference, code + self.style_bias[style], self.audio(audio).flatten(1)]
        hidden = F.relu(self.hidden(torch.cat(inputs, dim=1)))
        sequence = torch.sigmoid(self.sequence(hidden)).unflatten(1, (self.frames, -1))
        return self.pose(self.unet(sequence))


class PoseCvae(nn.Module):
    """Conditional VAE of head motion: trained by `forward`, used by `sample`."""

    def __init__(self, sizes: PoseCvaeSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = PoseEncoder(sizes)
        self.decoder = PoseDecoder(sizes)

    def forward(
        self,
        motion: Float[Tensor, "B T P"],
        reference: Float[Tensor, "B P"],
        audio: Float[Tensor, "B T A"],
        style: Int[Tensor, " B"],
    ) -> PoseReconstruction:
        """Return the motion rebuilt from a code drawn around its own; draws from torch's global generator.

        Raises:
            ValueError: motion or audio does not have the number of frames the network was built for.
        """
        self._require_frames(motion, "motion")
        self._require_frames(audio, "audio")
        mean, log_variance = self.encoder(motion, reference, audio, style)
        code = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return PoseReconstruction(self.decoder(code, reference, audio, style), mean, log_variance)

    def sample(
        self,
        reference: Float[Tensor, "B P"],
        audio: Float[Tensor, "B T A"],
        style: Int[Tensor, " B"],
        code: Float[Tensor, "B L"],
    ) -> Float[Tensor, "B T P"]:
        """Return the motion of a given code, drawn by the caller from a standard normal.

        Raises:
            ValueError: the audio does not have the number of frames the network was built for.
        """
        self._require_frames(audio, "audio")
        return self.decoder(code, reference, audio, style)

    def _require_frames(self, sequence: Tensor, name: str) -> None:
        if sequence.shape[1] != self.sizes.frames:
            raise ValueError(f"{name} has {sequence.shape[1]} frames, not {self.sizes.frames}")


@dataclass(frozen=True)
class PoseDiscriminatorSizes:
    """Pose numbers a frame, and the widths of the three levels."""

    pose: int
    channels: tuple[int, int, int]

    def __post_init__(self) -> None:
        require_positive(self)
        if len(self.channels) != 3:
            raise ValueError(f"PoseDiscriminatorSizes.channels must name three levels, not {self.channels!r}")


class PoseDiscriminator(nn.Module):
    """PatchGAN over time: two convolutions that halve it, two that do not; one score every four frames."""

    def __init__(self, sizes: PoseDiscriminatorSizes) -> None:
        super().__init__()
        first, second, third = sizes.channels
        self.layers = nn.Sequential(
            *_normed(nn.Conv1d(sizes.pose, first, 4, stride=2, padding=1, bias=False)),
            *_normed(nn.Conv1d(first, second, 4, stride=2, padding=1, bias=False)),
            *_normed(nn.Conv1d(second, third, 3, padding=1, bias=False)),
            nn.Conv1d(third, 1, 3, padding=1),
        )

    def forward(self, motion: Float[Tensor, "B T P"]) -> Float[Tensor, "B T//4"]:
        """Return how real every stretch of the motion looks; larger is more real."""
        return self.layers(motion.transpose(1, 2)).squeeze(1)


def _normed(conv: nn.Conv1d) -> list[nn.Module]:
    return [conv, nn.BatchNorm1d(conv.out_channels), nn.LeakyReLU(0.2)]

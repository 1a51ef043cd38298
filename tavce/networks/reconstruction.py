"""Rebuild one frame from its neighbour and how the voice changed between them.

Contract: a frame in [-1, 1] and the diagonal correlation attention give the neighbouring frame in [-1, 1]. Used only
to train the correlation metric: a change that says nothing of the picture would not rebuild it.
Source: paper, stage 1; pix2pixHD's global generator. Its instance norms keep no running statistics here, so training
and evaluation compute the same function.

Shapes: B batch, C channels, H height and W width of the frame, h and w of the features, A attention entries.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.sizes import require_halvings, require_positive


@dataclass(frozen=True)
class ReconstructionSizes:
    """Widths from the stem to the innermost level, residual blocks before and after the fusion, attention entries."""

    channels: tuple[int, ...]
    blocks_before: int
    blocks_after: int
    attention_features: int

    def __post_init__(self) -> None:
        require_positive(self)


class ReflectedResBlock(nn.Module):
    """Two instance-normed convolutions over a mirrored border, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_normed(nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Return the features plus what the convolutions add."""
        return features + self.residual(features)


class AttentionFusion(nn.Module):
    """F + P2(A * P1(F)): channels weighed by how much each entry of the voice's embedding changed."""

    def __init__(self, channels: int, attention_features: int) -> None:
        super().__init__()
        self.project = nn.Sequential(
            nn.Conv2d(channels, attention_features, 1, bias=False), nn.InstanceNorm2d(attention_features)
        )
        self.restore = nn.Sequential(
            nn.Conv2d(attention_features, channels, 1, bias=False), nn.InstanceNorm2d(channels)
        )

    def forward(self, features: Float[Tensor, "B C h w"], attention: Float[Tensor, "B A"]) -> Float[Tensor, "B C h w"]:
        """Return the attended features; an attention of zeros leaves them as they are."""
        return features + self.restore(self.project(features) * attention[:, :, None, None])


class ReconstructionGenerator(nn.Module):
    """Stem, strided convolutions, residual blocks around the fusion, transposed convolutions, tanh."""

    def __init__(self, sizes: ReconstructionSizes) -> None:
        super().__init__()
        outer, inner = sizes.channels[0], sizes.channels[-1]
        self.halvings = len(sizes.channels) - 1
        down = _normed(nn.Conv2d(3, outer, 7, padding=3, padding_mode="reflect"))
        for incoming, outgoing in pairwise(sizes.channels):
            down += _normed(nn.Conv2d(incoming, outgoing, 3, stride=2, padding=1))
        up = []
        for incoming, outgoing in pairwise(sizes.channels[::-1]):
            up += _normed(nn.ConvTranspose2d(incoming, outgoing, 3, stride=2, padding=1, output_padding=1))
        self.encode = nn.Sequential(*down, *(ReflectedResBlock(inner) for _ in range(sizes.blocks_before)))
        self.fuse = AttentionFusion(inner, sizes.attention_features)
        self.decode = nn.Sequential(*(ReflectedResBlock(inner) for _ in range(sizes.blocks_after)), *up)
        self.to_rgb = nn.Conv2d(outer, 3, 7, padding=3, padding_mode="reflect")

    def forward(self, frame: Float[Tensor, "B 3 H W"], attention: Float[Tensor, "B A"]) -> Float[Tensor, "B 3 H W"]:
        """Return the neighbouring frame.

        Raises:
            ValueError: the frame's height or width cannot be halved once a level.
        """
        require_halvings(frame.shape[2], self.halvings, "height of the frame")
        require_halvings(frame.shape[3], self.halvings, "width of the frame")
        return torch.tanh(self.to_rgb(self.decode(self.fuse(self.encode(frame), attention))))


def _normed(conv: nn.Module) -> list[nn.Module]:
    return [conv, nn.InstanceNorm2d(conv.out_channels), nn.ReLU()]

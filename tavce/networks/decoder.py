"""Paint the picture from warped features.

Contract: a feature map gives an RGB picture in [0, 1], larger by 2 for every upsampling block.
Source: the SPADE decoder of face-vid2vid / SadTalker (Park et al. 2019 for SPADE).

Shapes: B batch, C channels, L channels of the conditioning features, H height, W width, h and w of the features.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from tavce.networks.sizes import require_positive


@dataclass(frozen=True)
class SpadeDecoderSizes:
    """Channels that come in, width and number of the middle blocks, one width for each upsampling block.

    `modulation_channels` is the width of the small network inside every SPADE layer.
    """

    feature_channels: int
    middle_channels: int
    middle_blocks: int
    up_channels: tuple[int, ...]
    modulation_channels: int

    def __post_init__(self) -> None:
        require_positive(self)


@dataclass(frozen=True)
class SpadeBlockSizes:
    """Channels in and out of a SPADE residual block, of its conditioning features and of its modulation layers."""

    in_channels: int
    out_channels: int
    condition_channels: int
    modulation_channels: int


class Spade(nn.Module):
    """Instance norm whose scale and shift are painted from the conditioning features, pixel by pixel."""

    def __init__(self, channels: int, condition_channels: int, modulation_channels: int) -> None:
        super().__init__()
        self.shared = nn.Conv2d(condition_channels, modulation_channels, 3, padding=1)
        self.scale = nn.Conv2d(modulation_channels, channels, 3, padding=1)
        self.shift = nn.Conv2d(modulation_channels, channels, 3, padding=1)

    def forward(
        self, features: Float[Tensor, "B C H W"], condition: Float[Tensor, "B L H W"]
    ) -> Float[Tensor, "B C H W"]:
        """Return the modulated features."""
        modulation = F.relu(self.shared(condition))
        return F.instance_norm(features) * (1 + self.scale(modulation)) + self.shift(modulation)


class SpadeResBlock(nn.Module):
    """Residual block of two spectrally normed convolutions, each after a SPADE layer; learnt shortcut where needed."""

    def __init__(self, sizes: SpadeBlockSizes) -> None:
        super().__init__()
        incoming, outgoing = sizes.in_channels, sizes.out_channels
        condition = (sizes.condition_channels, sizes.modulation_channels)
        between = min(incoming, outgoing)
        self.conv1 = spectral_norm(nn.Conv2d(incoming, between, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv2d(between, outgoing, 3, padding=1))
        self.norm1 = Spade(incoming, *condition)
        self.norm2 = Spade(between, *condition)
        self.learns_shortcut = incoming != outgoing
        if self.learns_shortcut:
            self.shortcut_conv = spectral_norm(nn.Conv2d(incoming, outgoing, 1, bias=False))
            self.shortcut_norm = Spade(incoming, *condition)

    def forward(
        self, features: Float[Tensor, "B C H W"], condition: Float[Tensor, "B L h w"]
    ) -> Float[Tensor, "B C2 H W"]:
        """Return shortcut plus residual; the condition is brought to the features' size by nearest neighbour."""
        condition = F.interpolate(condition, size=features.shape[2:])
        residual = self.conv1(F.leaky_relu(self.norm1(features, condition), 0.2))
        residual = self.conv2(F.leaky_relu(self.norm2(residual, condition), 0.2))
        if self.learns_shortcut:
            return residual + self.shortcut_conv(self.shortcut_norm(features, condition))
        return residual + features


class SpadeDecoder(nn.Module):
    """Middle blocks at the features' size, then one block after each doubling, all conditioned on the features."""

    def __init__(self, sizes: SpadeDecoderSizes) -> None:
        super().__init__()
        middle = sizes.middle_channels
        condition = (sizes.feature_channels, sizes.modulation_channels)
        widths = (middle, *sizes.up_channels)
        self.first = nn.Conv2d(sizes.feature_channels, middle, 3, padding=1)
        self.middle_blocks = nn.ModuleList(
            SpadeResBlock(SpadeBlockSizes(middle, middle, *condition)) for _ in range(sizes.middle_blocks)
        )
        self.up_blocks = nn.ModuleList(SpadeResBlock(SpadeBlockSizes(*pair, *condition)) for pair in pairwise(widths))
        self.to_rgb = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, features: Float[Tensor, "B L h w"]) -> Float[Tensor, "B 3 H W"]:
        """Return the picture, in [0, 1]."""
        painted = self.first(features)
        for block in self.middle_blocks:
            painted = block(painted, features)
        for block in self.up_blocks:
            painted = block(F.interpolate(painted, scale_factor=2.0), features)
        return torch.sigmoid(self.to_rgb(F.leaky_relu(painted, 0.2)))

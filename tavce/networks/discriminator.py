"""Tell real pictures from painted ones, patch by patch.

Contract: a picture in [0, 1] gives, at every scale, the features of each block and one score a patch.
Source: face-vid2vid's multi-scale discriminator: spectral norm, affine instance norm, 4x4 kernels without padding.

Shapes: B batch, C channels, H height, W width, h and w of the scores.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from tavce.networks.antialias import AntiAliasDownscale
from tavce.networks.sizes import doubled_channels, require_positive

KERNEL_PX = 4


class Judgement(NamedTuple):
    """Features of every block, outermost first, and one unbounded score a patch; larger is more real."""

    features: list[Float[Tensor, "B C H W"]]
    prediction: Float[Tensor, "B 1 h w"]


@dataclass(frozen=True)
class DiscriminatorSizes:
    """First width, doubled up to `max_features` over `blocks` blocks; the scales (1, 0.5, ...) that are judged."""

    block_expansion: int
    max_features: int
    blocks: int
    scales: tuple[float, ...]

    def __post_init__(self) -> None:
        require_positive(self)


class JudgingBlock(nn.Module):
    """Convolution, norm where asked, leaky ReLU, then the mean of every 2x2 cells where asked."""

    def __init__(self, in_channels: int, out_channels: int, normed: bool, pooled: bool) -> None:
        super().__init__()
        self.conv = spectral_norm(nn.Conv2d(in_channels, out_channels, KERNEL_PX))
        self.norm = nn.InstanceNorm2d(out_channels, affine=True) if normed else nn.Identity()
        self.pool = nn.AvgPool2d(2) if pooled else nn.Identity()

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the next features."""
        return self.pool(F.leaky_relu(self.norm(self.conv(features)), 0.2))


class PatchDiscriminator(nn.Module):
    """Blocks that halve the picture (the last does not), and a 1x1 score; the first block has no norm."""

    def __init__(self, sizes: DiscriminatorSizes) -> None:
        super().__init__()
        widths = (3, *doubled_channels(sizes.block_expansion, sizes.max_features, sizes.blocks - 1))
        last = sizes.blocks - 1
        self.blocks = nn.ModuleList(
            JudgingBlock(widths[level], widths[level + 1], normed=level > 0, pooled=level < last)
            for level in range(sizes.blocks)
        )
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 1))

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Judgement:
        """Return features and scores.

        Raises:
            ValueError: the picture is too small for the blocks' kernels.
        """
        _require_room(picture, len(self.blocks))
        features = []
        for block in self.blocks:
            features.append(block(features[-1] if features else picture))
        return Judgement(features, self.score(features[-1]))


class MultiScaleDiscriminator(nn.Module):
    """One discriminator of its own for every scale of the picture."""

    def __init__(self, sizes: DiscriminatorSizes) -> None:
        super().__init__()
        self.downscales = nn.ModuleList(AntiAliasDownscale(3, scale) for scale in sizes.scales)
        self.discriminators = nn.ModuleList(PatchDiscriminator(sizes) for _ in sizes.scales)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> list[Judgement]:
        """Return one judgement a scale, in the order of the sizes.

        Raises:
            ValueError: the picture is too small for the blocks' kernels at one of the scales.
        """
        pairs = zip(self.downscales, self.discriminators, strict=True)
        return [discriminator(downscale(picture)) for downscale, discriminator in pairs]


def _require_room(picture: Tensor, blocks: int) -> None:
    left_px = min(picture.shape[2:])
    for level in range(blocks):
        left_px -= KERNEL_PX - 1
        left_px = left_px // 2 if level < blocks - 1 else left_px
    if left_px < 2:
        raise ValueError(f"a picture of {list(picture.shape[2:])} px is too small for {blocks} discriminator blocks")

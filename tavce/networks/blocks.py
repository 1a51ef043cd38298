"""Convolution blocks the face renderer is built of: 2D and 3D, down, up, residual, and the 3D hourglass.

Contract: batch norm with running statistics, ReLU, no file, no device.
Source: face-vid2vid (Wang et al. 2021) as published with SadTalker.

Shapes: B batch, C channels, D depth, H height, W width, K keypoints.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.sizes import require_halvings


def coordinate_grid(depth: int, height: int, width: int, like: Tensor) -> Float[Tensor, "D H W 3"]:
    """Return the (x, y, z) of every cell, the outermost cells' centres at -1 and +1.

    An axis of one cell lies at 0. The grid takes the dtype and device of `like`.

    These corner-inclusive coordinates are sampled with `align_corners=False` and zero padding throughout the
    renderer, so an identity warp is not exactly the identity: it moves the picture by up to half a cell and dims the
    border. The published weights were trained with that and need it kept.
    """
    axes = [torch.linspace(-1, 1, cells) if cells > 1 else torch.zeros(1) for cells in (depth, height, width)]
    z, y, x = torch.meshgrid(*(axis.to(like) for axis in axes), indexing="ij")
    return torch.stack([x, y, z], dim=-1)


class SameBlock2d(nn.Module):
    """Convolution, norm, activation; keeps the picture's size."""

    def __init__(self, in_channels: int, out_channels: int, negative_slope: float = 0.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(out_channels)
        self.negative_slope = negative_slope

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H W"]:
        """Return the features in `out_channels`; a `negative_slope` of 0 is the plain ReLU."""
        return F.leaky_relu(self.norm(self.conv(features)), self.negative_slope)


class DownBlock2d(nn.Module):
    """Convolution, norm, ReLU, then the mean of every 2x2 cells."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H//2 W//2"]:
        """Return the features at half the height and width."""
        return F.avg_pool2d(F.relu(self.norm(self.conv(features))), 2)


class DownBlock3d(nn.Module):
    """Convolution, norm, ReLU, then the mean of every 1x2x2 cells: depth is kept."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, 3, padding=1)
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, volume: Float[Tensor, "B C D H W"]) -> Float[Tensor, "B C2 D H//2 W//2"]:
        """Return the volume at half the height and width."""
        return F.avg_pool3d(F.relu(self.norm(self.conv(volume))), (1, 2, 2))


class UpBlock3d(nn.Module):
    """Nearest upsampling by 1x2x2, convolution, norm, ReLU: depth is kept."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, 3, padding=1)
        self.norm = nn.BatchNorm3d(out_channels)

    def forward(self, volume: Float[Tensor, "B C D H W"]) -> Float[Tensor, "B C2 D 2*H 2*W"]:
        """Return the volume at twice the height and width."""
        return F.relu(self.norm(self.conv(F.interpolate(volume, scale_factor=(1, 2, 2)))))


class ResBlock3d(nn.Module):
    """Two pre-activated convolutions added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm3d(channels)
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = nn.BatchNorm3d(channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, volume: Float[Tensor, "B C D H W"]) -> Float[Tensor, "B C D H W"]:
        """Return the volume plus what the two convolutions add to it."""
        residual = self.conv1(F.relu(self.norm1(volume)))
        return volume + self.conv2(F.relu(self.norm2(residual)))


class Hourglass3d(nn.Module):
    """A 3D U-net: down blocks, up blocks with skips, one last convolution over everything.

    Args:
        in_channels: channels of the input volume.
        channels: widths from the outermost level to the bottleneck, as `doubled_channels` gives them.
    """

    def __init__(self, in_channels: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        skips = (in_channels, *channels[1:])
        self.down_blocks = nn.ModuleList(DownBlock3d(*pair) for pair in pairwise(skips))
        self.up_blocks = nn.ModuleList()
        incoming = channels[-1]
        for level in reversed(range(len(channels) - 1)):
            self.up_blocks.append(UpBlock3d(incoming, channels[level]))
            incoming = channels[level] + skips[level]
        self.out_channels = incoming
        self.conv = nn.Conv3d(incoming, incoming, 3, padding=1)
        self.norm = nn.BatchNorm3d(incoming)

    def forward(self, volume: Float[Tensor, "B C D H W"]) -> Float[Tensor, "B C2 D H W"]:
        """Return features of the volume's size, in `out_channels` = first width + input channels.

        Raises:
            ValueError: height or width cannot be halved once a block.
        """
        require_halvings(volume.shape[-2], len(self.down_blocks), "height of the hourglass' input")
        require_halvings(volume.shape[-1], len(self.down_blocks), "width of the hourglass' input")
        skips = [volume]
        for down_block in self.down_blocks:
            skips.append(down_block(skips[-1]))
        features = skips.pop()
        for up_block in self.up_blocks:
            features = torch.cat([up_block(features), skips.pop()], dim=1)
        return F.relu(self.norm(self.conv(features)))

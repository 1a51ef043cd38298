"""Where every cell of the target comes from in the source, given both faces' keypoints.

Contract: features of the source and two sets of keypoints give a backward warp and how much of it to trust.
Source: face-vid2vid's dense motion network. The grid's corners lie at -1 and +1 but are sampled with
`align_corners=False` and zero padding, as the published weights need it (`blocks.coordinate_grid`).

Shapes: B batch, C channels, D depth, H height, W width, K keypoints, M = K + 1 motions (the first: nothing moves).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.blocks import Hourglass3d, coordinate_grid
from tavce.networks.sizes import doubled_channels, require_odd, require_positive


class Motion(NamedTuple):
    """A backward warp (x, y, z of the source for every target cell), its weights, and what is visible in the source."""

    deformation: Float[Tensor, "B D H W 3"]
    mask: Float[Tensor, "B M D H W"]
    occlusion: Float[Tensor, "B 1 H W"]


@dataclass(frozen=True)
class DenseMotionSizes:
    """Layout of the network and of the feature volume (`volume_channels` x `volume_depth`) it warps.

    `compressed_channels` of the volume are shown to the hourglass for each motion; `heatmap_variance` is of the
    Gaussian around a keypoint, in squared grid units; `kernel` is the side of the last convolutions.
    """

    keypoints: int
    volume_channels: int
    volume_depth: int
    compressed_channels: int
    block_expansion: int
    max_features: int
    blocks: int
    kernel: int
    heatmap_variance: float

    def __post_init__(self) -> None:
        require_positive(self)
        require_odd(self, "kernel")


class DenseMotion(nn.Module):
    """Weighs K + 1 simple shifts of the source against each other, cell by cell."""

    def __init__(self, sizes: DenseMotionSizes) -> None:
        super().__init__()
        self.sizes = sizes
        motions = sizes.keypoints + 1
        self.compress = nn.Conv3d(sizes.volume_channels, sizes.compressed_channels, 1)
        self.norm = nn.BatchNorm3d(sizes.compressed_channels)
        self.hourglass = Hourglass3d(
            motions * (sizes.compressed_channels + 1),
            doubled_channels(sizes.block_expansion, sizes.max_features, sizes.blocks),
        )
        features, padding = self.hourglass.out_channels, sizes.kernel // 2
        self.mask = nn.Conv3d(features, motions, sizes.kernel, padding=padding)
        self.occlusion = nn.Conv2d(features * sizes.volume_depth, 1, sizes.kernel, padding=padding)

    def forward(
        self,
        volume: Float[Tensor, "B C D H W"],
        keypoints_source: Float[Tensor, "B K 3"],
        keypoints_driving: Float[Tensor, "B K 3"],
    ) -> Motion:
        """Return the warp that takes the source's keypoints to the driving ones.

        Raises:
            ValueError: height or width of the volume cannot be halved once a block.
        """
        compressed, heatmaps = self.compressed(volume), self.heatmaps(keypoints_source, volume)
        return self.move(compressed, heatmaps, keypoints_source, keypoints_driving)

    def compressed(self, volume: Float[Tensor, "B C D H W"]) -> Float[Tensor, "B C2 D H W"]:
        """Return what of the volume is shown to the hourglass."""
        return F.relu(self.norm(self.compress(volume)))

    def heatmaps(
        self, keypoints: Float[Tensor, "B K 3"], like: Float[Tensor, "... D H W"]
    ) -> Float[Tensor, "B K D H W"]:
        """Return a Gaussian around each keypoint, on the grid of a volume."""
        return gaussian_heatmaps(keypoints, coordinate_grid(*like.shape[-3:], like=like), self.sizes.heatmap_variance)

    def move(
        self,
        compressed: Float[Tensor, "B C D H W"],
        heatmaps_source: Float[Tensor, "B K D H W"],
        keypoints_source: Float[Tensor, "B K 3"],
        keypoints_driving: Float[Tensor, "B K 3"],
    ) -> Motion:
        """Return `forward` of what `compressed` and `heatmaps` give of the source; raises what it raises."""
        shifts = sparse_motions(keypoints_source, keypoints_driving, compressed)
        warped = warp_by_each(compressed, shifts)
        change = self.heatmaps(keypoints_driving, compressed) - heatmaps_source
        heatmaps = F.pad(change, (0, 0, 0, 0, 0, 0, 1, 0))
        features = self.hourglass(torch.cat([heatmaps.unsqueeze(2), warped], dim=2).flatten(1, 2))
        mask = torch.softmax(self.mask(features), dim=1)
        deformation = torch.einsum("bmdhw,bmdhwc->bdhwc", mask, shifts)
        return Motion(deformation, mask, torch.sigmoid(self.occlusion(features.flatten(1, 2))))


def sparse_motions(
    source: Float[Tensor, "B K 3"], driving: Float[Tensor, "B K 3"], volume: Float[Tensor, "B C D H W"]
) -> Float[Tensor, "B M D H W 3"]:
    """Return the backward warps that shift everything as one keypoint moves; the first one shifts nothing."""
    shifts = F.pad(source - driving, (0, 0, 1, 0))
    return coordinate_grid(*volume.shape[2:], like=volume) + shifts[:, :, None, None, None, :]


def gaussian_heatmaps(
    keypoints: Float[Tensor, "B K 3"], grid: Float[Tensor, "D H W 3"], variance: float
) -> Float[Tensor, "B K D H W"]:
    """Return a Gaussian around each keypoint, 1 at its centre."""
    offsets = grid - keypoints[:, :, None, None, None, :]
    return torch.exp(-0.5 * offsets.square().sum(dim=-1) / variance)


def warp_by_each(
    volume: Float[Tensor, "B C D H W"], warps: Float[Tensor, "B M D H W 3"]
) -> Float[Tensor, "B M C D H W"]:
    """Return the volume as each of the warps shows it; beyond its border it is zero."""
    motions = warps.shape[1]
    repeated = volume.repeat_interleave(motions, dim=0)
    return F.grid_sample(repeated, warps.flatten(0, 1), align_corners=False).unflatten(0, (-1, motions))

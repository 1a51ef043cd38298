"""Canonical 3D keypoints of a face, learnt without labels.

Contract: a picture in [0, 1] gives K points in [-1, 1], where the face would have them at rest and from the front.
Source: face-vid2vid's keypoint detector.

Shapes: B batch, C channels, D depth, H height, W width, K keypoints.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.antialias import AntiAliasDownscale
from tavce.networks.blocks import DownBlock2d, UpBlock3d, coordinate_grid
from tavce.networks.sizes import doubled_channels, require_halvings, require_positive


@dataclass(frozen=True)
class KeypointDetectorSizes:
    """Layout of the detector.

    `block_expansion` is the innermost width of the up path, doubled up to `max_features` over `blocks` blocks;
    `depth` the cells of the volume along z; `image_scale` what the picture is shrunk by first; a low `temperature`
    makes heatmaps sharp.
    """

    keypoints: int
    block_expansion: int
    max_features: int
    blocks: int
    depth: int
    image_scale: float
    temperature: float

    def __post_init__(self) -> None:
        require_positive(self)


class KeypointDetector(nn.Module):
    """A U without skips: 2D down, lifted to a volume, 3D up, one heatmap a keypoint and its centre of mass."""

    def __init__(self, sizes: KeypointDetectorSizes) -> None:
        super().__init__()
        self.sizes = sizes
        channels = doubled_channels(sizes.block_expansion, sizes.max_features, sizes.blocks)
        down = (3, *channels[1:])
        up = channels[::-1]
        self.downscale = AntiAliasDownscale(3, sizes.image_scale)
        self.down_blocks = nn.Sequential(*(DownBlock2d(*pair) for pair in pairwise(down)))
        self.lift = nn.Conv2d(down[-1], down[-1] * sizes.depth, 1)
        self.up_blocks = nn.Sequential(*(UpBlock3d(*pair) for pair in pairwise(up)))
        self.heatmaps = nn.Conv3d(up[-1], sizes.keypoints, 3, padding=1)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B K 3"]:
        """Return the (x, y, z) of every keypoint.

        Raises:
            ValueError: the shrunk picture's height or width cannot be halved once a block.
        """
        small = self.downscale(picture)
        require_halvings(small.shape[2], self.sizes.blocks, "height of the shrunk picture")
        require_halvings(small.shape[3], self.sizes.blocks, "width of the shrunk picture")
        volume = self.lift(self.down_blocks(small)).unflatten(1, (-1, self.sizes.depth))
        return centres_of_mass(self.heatmaps(self.up_blocks(volume)) / self.sizes.temperature)


def centres_of_mass(logits: Float[Tensor, "B K D H W"]) -> Float[Tensor, "B K 3"]:
    """Return the mean (x, y, z) of each heatmap's softmax, on a grid from -1 to +1."""
    grid = coordinate_grid(*logits.shape[2:], like=logits).flatten(0, 2)
    return torch.softmax(logits.flatten(2), dim=2) @ grid

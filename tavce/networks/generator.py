"""The face renderer: one portrait, keypoints before and after, and how the voice just changed, give a picture.

Contract: `encode` looks at the portrait once; `render` paints one driving pose from what it saw; `forward` does both.
Source: face-vid2vid / SadTalker; the correlation attention, the paper's first use of the metric.

Shapes: B batch, C channels, H height, W width, h and w of the features, K keypoints, M motions, A attention entries.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.blocks import DownBlock2d, ResBlock3d, SameBlock2d
from tavce.networks.decoder import SpadeDecoder, SpadeDecoderSizes
from tavce.networks.dense_motion import DenseMotion, DenseMotionSizes
from tavce.networks.sizes import doubled_channels, require_positive

ATTENTION_PLACES = ("features", "volume", "warped")


class Rendering(NamedTuple):
    """The picture in [0, 1], the weights of the simple motions, and what the warp could show (1) or not (0)."""

    prediction: Float[Tensor, "B 3 H W"]
    mask: Float[Tensor, "B M D h w"]
    occlusion: Float[Tensor, "B 1 h w"]


@dataclass(frozen=True)
class FaceGeneratorSizes:
    """Layout of the renderer; the feature volume's shape is the dense motion's.

    `attention_features` is the length of the correlation attention, `None` for a renderer without it (SadTalker).
    `attention_at` is where it acts: on the `features` of the 1x1 convolution to the volume's channels (paper and
    released code), on the `volume` after the 3D residual blocks, or on the `warped` volume.
    """

    block_expansion: int
    max_features: int
    down_blocks: int
    residual_blocks: int
    attention_features: int | None
    dense_motion: DenseMotionSizes
    decoder: SpadeDecoderSizes
    attention_at: str = "features"

    def __post_init__(self) -> None:
        require_positive(self)
        if self.attention_features is not None and self.attention_at not in ATTENTION_PLACES:
            raise ValueError(f"FaceGeneratorSizes.attention_at is {self.attention_at!r}, none of {ATTENTION_PLACES}")
        if len(self.decoder.up_channels) != self.down_blocks:
            raise ValueError(
                f"FaceGeneratorSizes.down_blocks is {self.down_blocks}, "
                f"but decoder.up_channels doubles {len(self.decoder.up_channels)} times"
            )


class Attendable(NamedTuple):
    """What of attending to features does not depend on the attention: F' = base + weight(A * projected)."""

    base: Float[Tensor, "B C h w"]
    projected: Float[Tensor, "B A h w"]
    weight: Float[Tensor, "C A 1 1"]

    def attended(self, attention: Float[Tensor, "B A"] | None) -> Float[Tensor, "B C h w"]:
        """Return the attended features; no attention is an attention of zeros."""
        if attention is None:
            return self.base
        return self.base + F.conv2d(self.projected * attention[:, :, None, None], self.weight)


class CorrelationAttention(nn.Module):
    """Channel attention by the voice's change: F' = linear(F + P2(A * P1(F))).

    `linear` starts as the identity and P2 as zero: untrained, the features pass unchanged, so published weights
    that know no attention keep their meaning.
    """

    def __init__(self, channels: int, attention_features: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, attention_features, 1)
        self.restore = nn.Conv2d(attention_features, channels, 1)
        self.linear = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.restore.weight)
        nn.init.zeros_(self.restore.bias)
        nn.init.dirac_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(
        self, features: Float[Tensor, "B C h w"], attention: Float[Tensor, "B A"] | None
    ) -> Float[Tensor, "B C h w"]:
        """Return the attended features; no attention is an attention of zeros."""
        projected = self.project(features)
        if attention is None:
            attention = projected.new_zeros(projected.shape[:2])
        return self.linear(features + self.restore(projected * attention[:, :, None, None]))

    def attendable(self, features: Float[Tensor, "B C h w"]) -> Attendable:
        """Return what is the same for every attention; its `attended` is `forward`, to rounding."""
        weight = self.linear.weight[:, :, 0, 0] @ self.restore.weight[:, :, 0, 0]
        base = self.linear(features + self.restore.bias[:, None, None])
        return Attendable(base, self.project(features), weight[:, :, None, None])


class FaceGenerator(nn.Module):
    """Appearance encoder, correlation attention, dense motion, warp, decoder."""

    def __init__(self, sizes: FaceGeneratorSizes) -> None:
        super().__init__()
        self.sizes = sizes
        volume = sizes.dense_motion
        flat_channels = volume.volume_channels * volume.volume_depth
        widths = doubled_channels(sizes.block_expansion, sizes.max_features, sizes.down_blocks)
        self.first = SameBlock2d(3, sizes.block_expansion)
        downs = (sizes.block_expansion, *widths[1:])
        self.down_blocks = nn.Sequential(*(DownBlock2d(*pair) for pair in pairwise(downs)))
        self.second = nn.Conv2d(downs[-1], flat_channels, 1)
        self.attention = None
        if sizes.attention_features is not None:
            self.attention = CorrelationAttention(flat_channels, sizes.attention_features)
        self.residual_blocks = nn.Sequential(
            *(ResBlock3d(volume.volume_channels) for _ in range(sizes.residual_blocks))
        )
        self.dense_motion = DenseMotion(volume)
        self.third = SameBlock2d(flat_channels, sizes.decoder.feature_channels, negative_slope=0.01)
        self.fourth = nn.Conv2d(sizes.decoder.feature_channels, sizes.decoder.feature_channels, 1)
        self.decoder = SpadeDecoder(sizes.decoder)

    def encode(self, source: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B C h w"]:
        """Return what a portrait in [0, 1] looks like: the same for every frame that is rendered from it."""
        return self.second(self.down_blocks(self.first(source)))

    def render(
        self,
        features: Float[Tensor, "B C h w"],
        keypoints_source: Float[Tensor, "B K 3"],
        keypoints_driving: Float[Tensor, "B K 3"],
        attention: Float[Tensor, "B A"] | None,
    ) -> Rendering:
        """Return the portrait moved from its own keypoints to the driving ones.

        Raises:
            ValueError: an attention is given to a renderer built without one, or the features' height or width
                cannot be halved once a block of the dense motion's hourglass.
        """
        if self.attention is None and attention is not None:
            raise ValueError("this renderer has attention_features None and can make no use of an attention")
        depth = self.sizes.dense_motion.volume_depth
        features = self._attended("features", features, attention)
        volume = self.residual_blocks(features.unflatten(1, (-1, depth)))
        volume = self._attended("volume", volume.flatten(1, 2), attention).unflatten(1, (-1, depth))
        motion = self.dense_motion(volume, keypoints_source, keypoints_driving)
        warped = F.grid_sample(volume, motion.deformation, align_corners=False).flatten(1, 2)
        warped = self._attended("warped", warped, attention)
        visible = self.fourth(self.third(warped)) * motion.occlusion
        return Rendering(self.decoder(visible), motion.mask, motion.occlusion)

    def _attended(self, place: str, features: Tensor, attention: Tensor | None) -> Tensor:
        """Return features [B, C, h, w] as the attention leaves them, where this is its place."""
        if self.attention is None or self.sizes.attention_at != place:
            return features
        return self.attention(features, attention)

    def forward(
        self,
        source: Float[Tensor, "B 3 H W"],
        keypoints_source: Float[Tensor, "B K 3"],
        keypoints_driving: Float[Tensor, "B K 3"],
        attention: Float[Tensor, "B A"] | None,
    ) -> Rendering:
        """Return `render` of the source's features; raises what `render` raises."""
        return self.render(self.encode(source), keypoints_source, keypoints_driving, attention)

"""Shrink pictures by a whole factor without aliasing.

Contract: the blur kernel is a buffer, never learnt, always finite; scale 1 returns the picture itself.
Source: the interpolation of first-order-model, as used by face-vid2vid.

Shapes: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class AntiAliasDownscale(nn.Module):
    """Gaussian blur, then every n-th pixel, n = 1 / scale.

    The blur's standard deviation is (n - 1) / 2 pixels, its kernel reaches four of them to each side.

    Args:
        channels: channels of the picture, blurred independently.
        scale: output side over input side; one over a whole number.

    Raises:
        ValueError: 1 / scale is not a whole number of at least 1.
    """

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.stride = round(1 / scale) if scale > 0 else 0
        if self.stride < 1 or abs(self.stride * scale - 1) > 1e-6:
            raise ValueError(f"scale must be one over a whole number, not {scale!r}")
        sigma_px = (self.stride - 1) / 2
        reach_px = round(sigma_px * 4)
        offsets_px = torch.arange(-reach_px, reach_px + 1, dtype=torch.float32)
        profile = torch.exp(-(offsets_px**2) / (2 * sigma_px**2)) if sigma_px > 0 else torch.ones(1)
        kernel = torch.outer(profile, profile)
        self.register_buffer("weight", (kernel / kernel.sum()).repeat(channels, 1, 1, 1))

    def forward(self, picture: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H2 W2"]:
        """Return the smaller picture; beyond the border counts as black."""
        if self.stride == 1:
            return picture
        reach_px = self.weight.shape[-1] // 2
        return F.conv2d(picture, self.weight, stride=self.stride, padding=reach_px, groups=picture.shape[1])

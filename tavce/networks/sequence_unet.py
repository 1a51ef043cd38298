"""A residual U-net over a sequence, which smooths it in time.

Contract: a sequence of T frames by P numbers, seen as a one-channel picture, gives one of the same shape in [0, 1].
Time is halved and doubled; the P numbers of a frame are convolved across but never merged.
Source: the res-U-Net of SadTalker's PoseVAE.

Shapes: B sequences, C channels, T frames, P numbers a frame.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.sizes import require_halvings


class SequenceResBlock(nn.Module):
    """Two pre-activated convolutions, the first strided in time, added to a convolved shortcut."""

    def __init__(self, in_channels: int, channels: int, time_stride: int) -> None:
        super().__init__()
        stride = (time_stride, 1)
        self.residual = nn.Sequential(
            *(nn.BatchNorm2d(in_channels), nn.ReLU(), nn.Conv2d(in_channels, channels, 3, stride, padding=1)),
            *(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, channels, 3, stride, padding=1), nn.BatchNorm2d(channels))

    def forward(self, features: Float[Tensor, "B C T P"]) -> Float[Tensor, "B C2 T2 P"]:
        """Return shortcut plus residual."""
        return self.residual(features) + self.shortcut(features)


class SequenceUnet(nn.Module):
    """Residual blocks down and up in time with skips; one output channel through a sigmoid.

    Args:
        channels: widths from the outermost level to the bridge; time is halved once for every step between them.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        outer = channels[0]
        self.first = nn.Sequential(
            *(nn.Conv2d(1, outer, 3, padding=1), nn.BatchNorm2d(outer), nn.ReLU()),
            nn.Conv2d(outer, outer, 3, padding=1),
        )
        self.first_shortcut = nn.Conv2d(1, outer, 3, padding=1)
        self.down_blocks = nn.ModuleList(SequenceResBlock(*pair, time_stride=2) for pair in pairwise(channels))
        self.stretch = nn.ModuleList(nn.ConvTranspose2d(width, width, (2, 1), (2, 1)) for width in channels[:0:-1])
        self.up_blocks = nn.ModuleList(
            SequenceResBlock(incoming + skip, skip, time_stride=1) for incoming, skip in pairwise(channels[::-1])
        )
        self.last = nn.Conv2d(outer, 1, 1)

    def forward(self, sequence: Float[Tensor, "B T P"]) -> Float[Tensor, "B T P"]:
        """Return the smoothed sequence.

        Raises:
            ValueError: the number of frames cannot be halved once a level.
        """
        require_halvings(sequence.shape[1], len(self.down_blocks), "number of frames of the sequence")
        picture = sequence.unsqueeze(1)
        skips = [self.first(picture) + self.first_shortcut(picture)]
        for down_block in self.down_blocks:
            skips.append(down_block(skips[-1]))
        features = skips.pop()
        for stretch, up_block in zip(self.stretch, self.up_blocks, strict=True):
            features = up_block(torch.cat([stretch(features), skips.pop()], dim=1))
        return torch.sigmoid(self.last(features)).squeeze(1)

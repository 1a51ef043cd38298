"""Head pose, translation and expression read from a picture.

Contract: a picture in [0, 1] gives the motion that brings its canonical keypoints to where the picture has them; in
training it is what the mapping network's expression is compared with.
Source: face-vid2vid's head pose and expression estimator (a ResNet-50 trunk).

Shapes: B batch, C channels, H height, W width.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.mapping import FaceMotion, MotionHead
from tavce.networks.sizes import require_positive

BOTTLENECK_REDUCTION = 4


@dataclass(frozen=True)
class HeadPoseExpressionSizes:
    """Stem width, then width and number of blocks of each level; every level but the first halves the picture.

    Widths must be multiples of 4: a block narrows to a quarter inside.
    """

    stem_channels: int
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    keypoints: int

    def __post_init__(self) -> None:
        require_positive(self)
        if len(self.blocks) != len(self.channels):
            raise ValueError(
                f"HeadPoseExpressionSizes.blocks {self.blocks!r} and channels {self.channels!r} differ in length"
            )
        if any(width % BOTTLENECK_REDUCTION for width in self.channels):
            raise ValueError(f"HeadPoseExpressionSizes.channels must be multiples of 4, not {self.channels!r}")


class Bottleneck(nn.Module):
    """Narrow, convolve, widen; added to the input (projected where strided), then ReLU."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        narrow = channels // BOTTLENECK_REDUCTION
        self.residual = nn.Sequential(
            *(nn.Conv2d(channels, narrow, 1), nn.BatchNorm2d(narrow), nn.ReLU()),
            *(nn.Conv2d(narrow, narrow, 3, stride, padding=1), nn.BatchNorm2d(narrow), nn.ReLU()),
            *(nn.Conv2d(narrow, channels, 1), nn.BatchNorm2d(channels)),
        )
        self.shortcut = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, channels, 1, stride), nn.BatchNorm2d(channels))

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H2 W2"]:
        """Return the activated sum of shortcut and residual."""
        return F.relu(self.residual(features) + self.shortcut(features))


class HeadPoseExpression(nn.Module):
    """Strided 7x7 stem, levels of bottleneck blocks, mean over the picture, and the motion read from it."""

    def __init__(self, sizes: HeadPoseExpressionSizes) -> None:
        super().__init__()
        incoming = sizes.stem_channels
        self.stem = nn.Sequential(
            *(nn.Conv2d(3, incoming, 7, stride=2, padding=3), nn.BatchNorm2d(incoming), nn.ReLU()),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        levels = []
        for level, (width, blocks) in enumerate(zip(sizes.channels, sizes.blocks, strict=True)):
            strides = [1 if level == 0 else 2] + [1] * (blocks - 1)
            levels += [nn.Conv2d(incoming, width, 1), nn.BatchNorm2d(width), nn.ReLU()]
            levels += [Bottleneck(width, stride) for stride in strides]
            incoming = width
        self.levels = nn.Sequential(*levels)
        self.head = MotionHead(incoming, sizes.keypoints)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> FaceMotion:
        """Return the motion of the face in the picture."""
        return self.head(self.levels(self.stem(picture)).mean(dim=(2, 3)))

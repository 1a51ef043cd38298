"""The Inception-v3 that FID is defined with: features of a picture, as the network of 2015-12-05 has them.

Contract: an RGB picture in [0, 1] of any size gives 2048 features. Entries of the state dict are named as published
(pt_inception-2015-12-05-6726825d.pth, whose names are torchvision's), without the classifier `fc`, which features do
not need; loading them is the caller's business. Nothing here is trained: the network stays in evaluation.
Source: C. Szegedy et al., Rethinking the Inception Architecture (2015); M. Heusel et al. (2017) for FID. As in the
original graph and unlike torchvision's, average pooling leaves the padding out, and the last block pools by maximum.

Shapes: B batch, C channels, H height, W width.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SIDE_PX = 299
FEATURES = 2048
NORM_EPS = 1e-3


class InceptionFeatures(nn.Module):
    """Inception-v3 up to its last pooling, over the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b = _Square(192, pooled=32)
        self.Mixed_5c = _Square(256, pooled=64)
        self.Mixed_5d = _Square(288, pooled=64)
        self.Mixed_6a = _SquareHalving(288)
        self.Mixed_6b = _Separable(768, inside=128)
        self.Mixed_6c = _Separable(768, inside=160)
        self.Mixed_6d = _Separable(768, inside=160)
        self.Mixed_6e = _Separable(768, inside=192)
        self.Mixed_7a = _SeparableHalving(768)
        self.Mixed_7b = _Fan(1280, pool=_mean_pool)
        self.Mixed_7c = _Fan(2048, pool=_max_pool)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "InceptionFeatures":
        """Stay in evaluation, whatever is asked: running statistics belong to the published weights."""
        return super().train(False)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 2048"]:
        """Return the features, 0 or more.

        The picture is resized to 299 × 299 as pytorch-fid does: bilinear, pixel middles aligned, no smoothing before
        it is shrunk.
        """
        features = F.interpolate(picture, size=(SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False) * 2 - 1
        for name, layer in self.named_children():
            features = layer(features)
            if name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3"):
                features = F.max_pool2d(features, 3, stride=2)
        return features.mean(dim=(2, 3))


class _Conv(nn.Module):
    """Convolution, norm, ReLU."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=NORM_EPS)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the activated features."""
        return F.relu(self.bn(self.conv(features)))


class _Square(nn.Module):
    """Convolutions of 1 × 1, 5 × 5 and twice 3 × 3 side by side, and a pooling: 224 channels and `pooled`."""

    def __init__(self, in_channels: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(in_channels, 64, 1)
        self.branch5x5_1 = _Conv(in_channels, 48, 1)
        self.branch5x5_2 = _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(in_channels, pooled, 1)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H W"]:
        """Return the branches' channels, one branch after the other."""
        wide = self.branch5x5_2(self.branch5x5_1(features))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(features)))
        return torch.cat([self.branch1x1(features), wide, double, self.branch_pool(_mean_pool(features))], dim=1)


class _SquareHalving(nn.Module):
    """Halves height and width: 3 × 3, twice 3 × 3, and the input's maxima; 480 channels more."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3 = _Conv(in_channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Conv(in_channels, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, stride=2)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the branches' channels, one branch after the other."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(features)))
        return torch.cat([self.branch3x3(features), double, F.max_pool2d(features, 3, stride=2)], dim=1)


class _Separable(nn.Module):
    """Convolutions of 7 × 7, once and twice, as a row and a column each; 768 channels."""

    def __init__(self, in_channels: int, inside: int) -> None:
        super().__init__()
        self.branch1x1 = _Conv(in_channels, 192, 1)
        self.branch7x7_1 = _Conv(in_channels, inside, 1)
        self.branch7x7_2 = _row(inside, inside, 7)
        self.branch7x7_3 = _column(inside, 192, 7)
        self.branch7x7dbl_1 = _Conv(in_channels, inside, 1)
        self.branch7x7dbl_2 = _column(inside, inside, 7)
        self.branch7x7dbl_3 = _row(inside, inside, 7)
        self.branch7x7dbl_4 = _column(inside, inside, 7)
        self.branch7x7dbl_5 = _row(inside, 192, 7)
        self.branch_pool = _Conv(in_channels, 192, 1)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 768 H W"]:
        """Return the branches' channels, one branch after the other."""
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(features)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(features)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(features), single, double, self.branch_pool(_mean_pool(features))], dim=1)


class _SeparableHalving(nn.Module):
    """Halves height and width: 3 × 3, 7 × 7 and 3 × 3, and the input's maxima; 512 channels more."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch3x3_1 = _Conv(in_channels, 192, 1)
        self.branch3x3_2 = _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(in_channels, 192, 1)
        self.branch7x7x3_2 = _row(192, 192, 7)
        self.branch7x7x3_3 = _column(192, 192, 7)
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the branches' channels, one branch after the other."""
        small = self.branch3x3_2(self.branch3x3_1(features))
        large = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(features))))
        return torch.cat([small, large, F.max_pool2d(features, 3, stride=2)], dim=1)


class _Fan(nn.Module):
    """Convolutions that end in a row and a column side by side, and a pooling; 2048 channels."""

    def __init__(self, in_channels: int, pool: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.branch1x1 = _Conv(in_channels, 320, 1)
        self.branch3x3_1 = _Conv(in_channels, 384, 1)
        self.branch3x3_2a = _row(384, 384, 3)
        self.branch3x3_2b = _column(384, 384, 3)
        self.branch3x3dbl_1 = _Conv(in_channels, 448, 1)
        self.branch3x3dbl_2 = _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _row(384, 384, 3)
        self.branch3x3dbl_3b = _column(384, 384, 3)
        self.branch_pool = _Conv(in_channels, 192, 1)
        self._pool = pool

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 2048 H W"]:
        """Return the branches' channels, one branch after the other."""
        single = self.branch3x3_1(features)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(features))
        branches = [
            self.branch1x1(features),
            self.branch3x3_2a(single),
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(self._pool(features)),
        ]
        return torch.cat(branches, dim=1)


def _row(in_channels: int, channels: int, length: int) -> _Conv:
    return _Conv(in_channels, channels, (1, length), padding=(0, length // 2))


def _column(in_channels: int, channels: int, length: int) -> _Conv:
    return _Conv(in_channels, channels, (length, 1), padding=(length // 2, 0))


def _mean_pool(features: Tensor) -> Tensor:
    return F.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)


def _max_pool(features: Tensor) -> Tensor:
    return F.max_pool2d(features, 3, stride=1, padding=1)

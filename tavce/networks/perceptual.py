"""Features of ImageNet networks, for perceptual losses and Frechet distances.

Contract: an RGB picture in [0, 1] gives five levels of features, from fine to coarse. Entries of the state dict are
named as torchvision published them, so the published file loads; loading it is the caller's business. Nothing here
is trained, but gradients reach the picture.
Source: VGG-16 and VGG-19 (Simonyan & Zisserman 2015), MobileNetV2 (Sandler et al. 2018).

Shapes: B batch, C channels, H height, W width.
"""

from collections.abc import Container, Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
VGG16_GROUPS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions up to relu5_3
VGG19_GROUPS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))  # channels, convolutions up to relu5_1
MOBILENET_GROUPS = (  # expansion, channels, blocks, stride of the first block
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
MOBILENET_STEM = 32
MOBILENET_LAST = 1280
MOBILENET_LEVELS = (1, 3, 6, 13, 18)  # the last entry of `features` at each of five resolutions


class ImageNetNorm(nn.Module):
    """Subtract ImageNet's mean colour, divide by its standard deviation; constants, not part of the state dict."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Return the picture as ImageNet networks expect it."""
        return (picture - self.mean) / self.std


class _VggFeatures(nn.Module):
    """Groups of 3 x 3 convolutions with a pooling between them; a level is the first or the last of each group."""

    def __init__(self, groups: Iterable[tuple[int, int]], last: bool) -> None:
        super().__init__()
        self.normalise = ImageNetNorm()
        layers: list[nn.Module] = []
        self.levels: list[int] = []
        incoming = 3
        for channels, convolutions in groups:
            layers += [nn.MaxPool2d(2)] if layers else []
            self.levels.append(len(layers) + (2 * convolutions - 1 if last else 1))
            for _ in range(convolutions):
                layers += [nn.Conv2d(incoming, channels, 3, padding=1), nn.ReLU()]
                incoming = channels
        self.features = nn.Sequential(*layers)
        self.requires_grad_(False)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C H2 W2"]]:
        """Return the five levels."""
        return _collect(self.features, self.normalise(picture), self.levels)


class Vgg16Features(_VggFeatures):
    """relu1_2, relu2_2, relu3_3, relu4_3, relu5_3 of VGG-16, which LPIPS reads: 64, 128, 256, 512, 512 channels.

    LPIPS shifts and scales pictures in [-1, 1]; that is ImageNet's mean and deviation of pictures in [0, 1], exactly.
    """

    def __init__(self) -> None:
        super().__init__(VGG16_GROUPS, last=True)


class Vgg19Features(_VggFeatures):
    """relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 of VGG-19: 64, 128, 256, 512, 512 channels.

    The stack ends at relu5_1 (`features.28`); what the published file holds beyond it has no place here.
    """

    def __init__(self) -> None:
        super().__init__(VGG19_GROUPS, last=False)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: widen, convolve channel by channel, narrow; added to the input where shapes allow."""

    def __init__(self, in_channels: int, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [_mobile_conv(in_channels, wide, 1, 1)]
        layers.append(_mobile_conv(wide, wide, 3, stride, groups=wide))
        layers += [nn.Conv2d(wide, channels, 1, bias=False), nn.BatchNorm2d(channels)]
        self.conv = nn.Sequential(*layers)
        self.adds = (in_channels, stride) == (channels, 1)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the block's output."""
        return self.conv(features) + features if self.adds else self.conv(features)


class MobileNetV2Features(nn.Module):
    """MobileNetV2's trunk, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture: 16, 24, 32, 96 and 1280 channels.

    The mean over the last level is the 1280-entry vector the published classifier reads. Batch norms always use
    their stored statistics: `train()` leaves the network in evaluation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.normalise = ImageNetNorm()
        layers: list[nn.Module] = [_mobile_conv(3, MOBILENET_STEM, 3, 2)]
        incoming = MOBILENET_STEM
        for expansion, channels, blocks, first_stride in MOBILENET_GROUPS:
            for block in range(blocks):
                layers.append(InvertedResidual(incoming, channels, expansion, first_stride if block == 0 else 1))
                incoming = channels
        layers.append(_mobile_conv(incoming, MOBILENET_LAST, 1, 1))
        self.features = nn.Sequential(*layers)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "MobileNetV2Features":
        """Stay in evaluation, whatever is asked: running statistics belong to the published weights."""
        return super().train(False)

    def forward(self, picture: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C H2 W2"]]:
        """Return the five levels."""
        return _collect(self.features, self.normalise(picture), MOBILENET_LEVELS)


class _ConvNormRelu6(nn.Sequential):
    def forward(self, features: Tensor) -> Tensor:
        return F.relu6(super().forward(features))


def _mobile_conv(in_channels: int, channels: int, kernel: int, stride: int, groups: int = 1) -> nn.Module:
    conv = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    return _ConvNormRelu6(conv, nn.BatchNorm2d(channels))


def _collect(layers: nn.Sequential, features: Tensor, wanted: Container[int]) -> list[Tensor]:
    collected = []
    for index, layer in enumerate(layers):
        features = layer(features)
        if index in wanted:
            collected.append(features)
    return collected

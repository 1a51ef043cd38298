"""The ResNet-50 of Deep3DFaceRecon: from an aligned face to the coefficients of a 3D face model.

Contract: an RGB picture in [0, 1], 224 px, rows from the top, gives 257 numbers: 80 identity, 64 expression, 80
texture, 3 angles, 27 light, 3 translation. Entries of the state dict are named as the release published them; loading
them, and aligning the face (`tavce.faces.alignment`), is the caller's business.
Source: Y. Deng et al. (2019), in the PyTorch version of S. Xu; ResNet with the stride in the 3 x 3 convolution.

Shapes: B batch, C channels, H height, W width.
"""

from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor, nn

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # channels inside the blocks, blocks
WIDENING = 4  # of a block's output
HEADS = (80, 64, 80, 3, 27, 2, 1)  # identity, expression, texture, angles, light, x and y, z
EXPRESSION, ANGLES, TRANSLATION = slice(80, 144), slice(224, 227), slice(254, 257)


class FaceCoefficients(nn.Module):
    """The network, in evaluation always: its running statistics belong to the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _ResNet50()
        width = STAGES[-1][0] * WIDENING
        self.final_layers = nn.ModuleList([nn.Conv2d(width, outputs, 1) for outputs in HEADS])
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "FaceCoefficients":
        """Stay in evaluation, whatever is asked."""
        return super().train(False)

    def forward(self, pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 257"]:
        """Return the coefficients."""
        features = self.backbone(pictures).mean(dim=(2, 3), keepdim=True)
        return torch.cat([head(features) for head in self.final_layers], dim=1).flatten(1)


class _Bottleneck(nn.Module):
    """Narrow, convolve, widen; added to the input, which is projected where shapes differ."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        out_channels = channels * WIDENING
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(out_channels))

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the block's output."""
        inside = self.bn1(self.conv1(features)).relu()
        inside = self.bn2(self.conv2(inside)).relu()
        inside = self.bn3(self.conv3(inside))
        return (inside + (self.downsample(features) if self.downsample else features)).relu()


class _ResNet50(nn.Sequential):
    """The trunk, at 1/32 of the picture: 2048 channels."""

    def __init__(self) -> None:
        stem = nn.Conv2d(3, STAGES[0][0], 7, 2, 3, bias=False)
        layers: dict[str, nn.Module] = {"conv1": stem, "bn1": nn.BatchNorm2d(STAGES[0][0]), "relu": nn.ReLU()}
        layers["maxpool"] = nn.MaxPool2d(3, 2, 1)
        incoming = STAGES[0][0]
        for number, (channels, blocks) in enumerate(STAGES, 1):
            stage = []
            for block in range(blocks):
                stage.append(_Bottleneck(incoming, channels, 2 if number > 1 and block == 0 else 1))
                incoming = channels * WIDENING
            layers[f"layer{number}"] = nn.Sequential(*stage)
        super().__init__(OrderedDict(layers))

"""What turns a mel window or a mouth picture into one embedding.

Contract: pure networks; a mel window is 80 bins by 16 steps of `mel`, a picture is RGB in [-1, 1].
Source: audio, Wav2Lip's 13-convolution encoder; pictures, ArcFace's iResNet-18 (released code) or ResNet-18 (paper);
its iResNet-100 says whose face it is.

Shapes: B batch, C channels, F mel bins (80), M mel steps (16), S side of the picture in px, E embedding entries.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.sizes import require_halvings, require_positive

MEL_BINS = 80
MEL_STEPS = 16
IRESNET18, IRESNET100 = (2, 2, 2, 2), (3, 13, 30, 3)  # residual blocks of the four levels


@dataclass(frozen=True)
class AudioEncoderSizes:
    """Widths of the audio encoder's five levels; the last is the length of its output."""

    channels: tuple[int, int, int, int, int]

    def __post_init__(self) -> None:
        require_positive(self)
        if len(self.channels) != 5:
            raise ValueError(f"AudioEncoderSizes.channels must name five levels, not {self.channels!r}")


@dataclass(frozen=True)
class CorrelationAudioEncoderSizes:
    """The audio encoder and the length of the embedding laid on top of it."""

    audio: AudioEncoderSizes
    embedding: int

    def __post_init__(self) -> None:
        require_positive(self)


@dataclass(frozen=True)
class VisualEncoderSizes:
    """Side of the picture (px, a multiple of 16), widths of the four levels, length of the embedding."""

    input_px: int
    channels: tuple[int, int, int, int]
    embedding: int

    def __post_init__(self) -> None:
        require_positive(self)
        if len(self.channels) != 4:
            raise ValueError(f"VisualEncoderSizes.channels must name four levels, not {self.channels!r}")
        require_halvings(self.input_px, 4, "VisualEncoderSizes.input_px")


class AudioBlock(nn.Module):
    """Convolution and norm, added to the input where `residual`, then ReLU."""

    def __init__(self, conv: nn.Conv2d, residual: bool) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels)
        self.residual = residual

    def forward(self, features: Float[Tensor, "B C F M"]) -> Float[Tensor, "B C2 F2 M2"]:
        """Return the activated features."""
        convolved = self.norm(self.conv(features))
        return F.relu(convolved + features if self.residual else convolved)


class AudioEncoder(nn.Module):
    """Wav2Lip's encoder: 13 convolutions that bring an 80x16 mel window down to one column."""

    def __init__(self, sizes: AudioEncoderSizes) -> None:
        super().__init__()
        first, second, third, fourth, fifth = sizes.channels
        self.out_features = fifth
        entries = [(1, first, 1, 2), (first, second, (3, 1), 2), (second, third, 3, 2), (third, fourth, (3, 2), 1)]
        blocks = []
        for incoming, width, stride, residuals in entries:
            blocks.append(AudioBlock(nn.Conv2d(incoming, width, 3, stride, padding=1), residual=False))
            blocks += [AudioBlock(nn.Conv2d(width, width, 3, padding=1), residual=True) for _ in range(residuals)]
        blocks.append(AudioBlock(nn.Conv2d(fourth, fifth, 3), residual=False))
        blocks.append(AudioBlock(nn.Conv2d(fifth, fifth, 1), residual=False))
        self.blocks = nn.Sequential(*blocks)

    def forward(self, mel: Float[Tensor, "B 1 80 16"]) -> Float[Tensor, "B E"]:
        """Return one feature vector a window.

        Raises:
            ValueError: the window is not 80 bins by 16 steps.
        """
        if mel.shape[1:] != (1, MEL_BINS, MEL_STEPS):
            raise ValueError(f"a mel window is [1, {MEL_BINS}, {MEL_STEPS}], not {list(mel.shape[1:])}")
        return self.blocks(mel).flatten(1)


class CorrelationAudioEncoder(nn.Module):
    """E_a of the correlation metric: the audio encoder and one linear layer."""

    def __init__(self, sizes: CorrelationAudioEncoderSizes) -> None:
        super().__init__()
        self.audio = AudioEncoder(sizes.audio)
        self.embed = nn.Linear(self.audio.out_features, sizes.embedding)

    def forward(self, mel: Float[Tensor, "B 1 80 16"]) -> Float[Tensor, "B E"]:
        """Return the embedding of a mel window."""
        return self.embed(self.audio(mel))


class ArcFaceBlock(nn.Module):
    """iResNet's residual block: norm, convolution, norm, PReLU, convolution (strided), norm; no last activation."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.activation = nn.PReLU(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.shortcut = _shortcut(in_channels, channels, stride)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the sum of shortcut and residual."""
        residual = self.activation(self.norm2(self.conv1(self.norm1(features))))
        return self.norm3(self.conv2(residual)) + self.shortcut(features)


class VisualEncoder(nn.Module):
    """ArcFace's iResNet with a head of its own length; of 18 layers it is E_v of the correlation metric.

    The scale of the last norm is fixed at one, as ArcFace has it: it exists for published weights and is not trained.
    """

    def __init__(self, sizes: VisualEncoderSizes, levels: tuple[int, int, int, int] = IRESNET18) -> None:
        super().__init__()
        self.sizes = sizes
        width = sizes.channels[0]
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU(width))
        blocks = []
        for channels, count in zip(sizes.channels, levels, strict=True):
            blocks.append(ArcFaceBlock(width, channels, 2))
            blocks += [ArcFaceBlock(channels, channels, 1) for _ in range(count - 1)]
            width = channels
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(width)
        self.embed = nn.Linear(width * (sizes.input_px // 16) ** 2, sizes.embedding)
        self.embedding_norm = nn.BatchNorm1d(sizes.embedding)
        self.embedding_norm.weight.requires_grad_(False)

    def forward(self, picture: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B E"]:
        """Return the embedding of a picture.

        Raises:
            ValueError: the picture is not of the side this network was built for.
        """
        _require_side(picture, self.sizes.input_px)
        features = self.norm(self.blocks(self.stem(picture)))
        return self.embedding_norm(self.embed(features.flatten(1)))


class BasicBlock(nn.Module):
    """ResNet's residual block of two convolutions, ReLU after the sum."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut = _shortcut(in_channels, channels, stride)

    def forward(self, features: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C2 H2 W2"]:
        """Return the activated sum of shortcut and residual."""
        residual = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(features)))))
        return F.relu(residual + self.shortcut(features))


class ResNet18Encoder(nn.Module):
    """E_v as the paper names it: a plain ResNet-18 (7x7 stem, max pooling, mean pooling) and one linear layer."""

    def __init__(self, sizes: VisualEncoderSizes) -> None:
        super().__init__()
        self.sizes = sizes
        width = sizes.channels[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks = []
        for level, channels in enumerate(sizes.channels):
            blocks += [BasicBlock(width, channels, 1 if level == 0 else 2), BasicBlock(channels, channels, 1)]
            width = channels
        self.blocks = nn.Sequential(*blocks)
        self.embed = nn.Linear(width, sizes.embedding)

    def forward(self, picture: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B E"]:
        """Return the embedding of a picture.

        Raises:
            ValueError: the picture is not of the side this network was built for.
        """
        _require_side(picture, self.sizes.input_px)
        return self.embed(self.blocks(self.stem(picture)).mean(dim=(2, 3)))


def _shortcut(in_channels: int, channels: int, stride: int) -> nn.Module:
    if (in_channels, stride) == (channels, 1):
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))


def _require_side(picture: Tensor, side_px: int) -> None:
    if picture.shape[1:] != (3, side_px, side_px):
        raise ValueError(f"a picture is [3, {side_px}, {side_px}], not {list(picture.shape[1:])}")

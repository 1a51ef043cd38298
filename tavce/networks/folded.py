"""The SPADE decoder as it is used, not trained: the same picture for fewer operations.

Contract: built of a decoder in evaluation mode, whose numbers it copies; paints what that paints, to rounding.
Four identities: the spectral norm of a fixed weight is a fixed weight. Nearest upsampling changes no mean and no
variance, so the instance norm is taken before it. A 3×3 convolution of what is upsampled f times sees one, two or four
different cells, so it has three different kernels an axis, of one or two taps each. The shortcut has no activation: its
convolution is folded into its shift.

Shapes: B batch, C channels, L channels of the condition, H height, W width, h = H / f and w = W / f of the condition.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.decoder import Spade, SpadeDecoder, SpadeResBlock

NHWC = torch.channels_last  # a fifth faster than channels first, on CPUs too


class UpsampledConv(nn.Module):
    """3×3 convolutions and ReLU of a condition that is upsampled `factor` times by nearest neighbour.

    Args:
        convs: padded by 1, all of the same input; their outputs follow each other.
        factor: a power of two.
    """

    def __init__(self, convs: list[nn.Conv2d], factor: int) -> None:
        super().__init__()
        self.factor = factor
        weight = torch.cat([conv.weight.detach() for conv in convs])
        kernels = [weight] if factor == 1 else [_taps(_taps(weight, 2, y), 3, x) for y, x in self._phases()]
        self.kernels = nn.ParameterList(_fixed(kernel) for kernel in kernels)
        self.bias = _fixed(torch.cat([conv.bias.detach() for conv in convs]))
        self.widths = [conv.out_channels for conv in convs]

    def _phases(self) -> list[tuple[int, int]]:
        """Return (row, column) of every different kernel: 0 the first of a cell, 1 those inside, 2 the last."""
        axis = (0, 2) if self.factor == 2 else (0, 1, 2)
        return [(y, x) for y in axis for x in axis]

    def forward(self, condition: Float[Tensor, "B L h w"]) -> list[Float[Tensor, "B C H W"]]:
        """Return the activated features of every convolution at the upsampled size."""
        if self.factor == 1:
            features = F.relu(F.conv2d(condition, self.kernels[0], self.bias, padding=1))
            return [part.contiguous(memory_format=NHWC) for part in features.split(self.widths, dim=1)]
        height, width, factor = *condition.shape[2:], self.factor
        padded = F.pad(condition, (1, 1, 1, 1))
        shape = (len(condition), height, factor, width, factor)
        upsampled = [condition.new_empty(*shape, channels) for channels in self.widths]
        for (y, x), kernel in zip(self._phases(), self.kernels, strict=True):
            rows, columns = _reach(y, height), _reach(x, width)
            cells = F.relu(F.conv2d(padded[:, :, rows, columns], kernel, self.bias)).permute(0, 2, 3, 1)
            for whole, part in zip(upsampled, cells.split(self.widths, dim=3), strict=True):
                whole[:, :, _place(y, factor), :, _place(x, factor)] = part[:, :, None, :, None]
        return [whole.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2) for whole in upsampled]


def _taps(weight: Tensor, axis: int, phase: int) -> Tensor:
    """Return the kernel that a phase's output has on cells, along one axis of three taps."""
    before, here, after = weight.split(1, dim=axis)
    if phase == 1:
        return before + here + after
    return torch.cat([before, here + after] if phase == 0 else [before + here, after], dim=axis)


def _reach(phase: int, cells: int) -> slice:
    """Return the padded cells that a phase's outputs see, along one axis."""
    return (slice(0, cells + 1), slice(1, cells + 1), slice(1, cells + 2))[phase]


def _place(phase: int, factor: int) -> slice:
    """Return where a phase's outputs lie in a cell, along one axis."""
    return (slice(0, 1), slice(1, factor - 1), slice(factor - 1, factor))[phase]


class FoldedBlock(nn.Module):
    """A SPADE residual block after an upsampling of its features (`doubles`) and of the condition (`factor`)."""

    def __init__(self, block: SpadeResBlock, factor: int, doubles: bool) -> None:
        super().__init__()
        norms = [block.norm1, block.norm2, *([block.shortcut_norm] if block.learns_shortcut else [])]
        self.doubles = doubles
        self.shared = UpsampledConv([norm.shared for norm in norms], factor)
        self.scales = nn.ModuleList(_scale_plus_one(norm) for norm in norms)
        self.shifts = nn.ModuleList(_copy(norm.shift.weight, norm.shift.bias) for norm in norms[:2])
        self.conv1 = _copy(block.conv1.weight, block.conv1.bias)
        self.conv2 = _copy(block.conv2.weight, block.conv2.bias)
        self.shortcut = None
        if block.learns_shortcut:
            mix = block.shortcut_conv.weight.detach()
            shift = block.shortcut_norm.shift
            self.shortcut = _copy(mix, None)
            self.shifts.append(
                _copy(torch.einsum("oi,iahw->oahw", mix[:, :, 0, 0], shift.weight), mix[:, :, 0, 0] @ shift.bias)
            )

    def forward(
        self, features: Float[Tensor, "B C h w"], condition: Float[Tensor, "B L h w"]
    ) -> Float[Tensor, "B C2 H W"]:
        """Return shortcut plus residual, at twice the features' size where the block doubles."""
        modulations = self.shared(condition)
        normed = self._upsampled(F.instance_norm(features))
        residual = self.conv1(self._modulated(0, normed, modulations[0]))
        residual = self.conv2(self._modulated(1, F.instance_norm(residual), modulations[1]))
        if self.shortcut is None:
            return residual.add_(self._upsampled(features))
        scaled = self.scales[2](modulations[2]).mul_(normed)
        return residual.add_(self.shortcut(scaled)).add_(self.shifts[2](modulations[2]))

    def _modulated(self, number: int, normed: Tensor, modulation: Tensor) -> Tensor:
        scaled = self.scales[number](modulation).mul_(normed).add_(self.shifts[number](modulation))
        return F.leaky_relu_(scaled, 0.2)

    def _upsampled(self, features: Tensor) -> Tensor:
        return F.interpolate(features, scale_factor=2.0) if self.doubles else features


class FoldedDecoder(nn.Module):
    """A SPADE decoder (`decoder.SpadeDecoder`) that is used, not trained; no gradient flows through it."""

    def __init__(self, decoder: SpadeDecoder) -> None:
        super().__init__()
        self.first = _copy(decoder.first.weight, decoder.first.bias)
        middle = [FoldedBlock(block, 1, doubles=False) for block in decoder.middle_blocks]
        up = [FoldedBlock(block, 2 ** (1 + level), doubles=True) for level, block in enumerate(decoder.up_blocks)]
        self.blocks = nn.ModuleList([*middle, *up])
        self.to_rgb = _copy(decoder.to_rgb.weight, decoder.to_rgb.bias)
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, features: Float[Tensor, "B L h w"]) -> Float[Tensor, "B 3 H W"]:
        """Return the picture, in [0, 1]."""
        features = features.contiguous(memory_format=NHWC)
        painted = self.first(features)
        for block in self.blocks:
            painted = block(painted, features)
        return torch.sigmoid(self.to_rgb(F.leaky_relu_(painted, 0.2)))


def _fixed(weight: Tensor) -> nn.Parameter:
    layout = NHWC if weight.dim() == 4 else torch.contiguous_format
    return nn.Parameter(weight.detach().clone(memory_format=layout), requires_grad=False)


def _copy(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return a convolution of these numbers that keeps the picture's size."""
    outgoing, incoming, side, _ = weight.shape
    conv = nn.Conv2d(incoming, outgoing, side, padding=side // 2, bias=bias is not None, device="meta")
    conv.weight = _fixed(weight)
    if bias is not None:
        conv.bias = _fixed(bias)
    return conv


def _scale_plus_one(norm: Spade) -> nn.Conv2d:
    """Return the convolution that gives 1 + scale."""
    return _copy(norm.scale.weight, norm.scale.bias + 1)

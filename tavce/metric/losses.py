"""The losses of the correlation metric (paper.md, stage 1; the released code's "triple loss").

Shapes: B samples, C embedding entries, S side of a picture.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tavce.metric.correlation import similarity
from tavce.records import InputError


class PairLoss(NamedTuple):
    """Means over a batch; both fall as the metric learns, from 1 (2 for a signed similarity) at most to 0."""

    positive: Tensor  # 1 − similarity of what belongs together
    negative: Tensor  # similarity, above the margin, of what does not


def pair_loss(positive: Float[Tensor, " B"], negative: Float[Tensor, " B"], margin: float) -> PairLoss:
    """Return the two terms from the similarities of B matching and B mismatching pairs."""
    return PairLoss((1 - positive).mean(), functional.relu(negative - margin).mean())


def correlation_loss(
    audio_change: Float[Tensor, "B C"], face_change: Float[Tensor, "B C"], signed: bool = False
) -> Tensor:
    """Return L_corr = 1 − mean similarity, 0 (the face changes as the voice does) … 1: the generator's loss.

    Up to 2 for a metric that learnt a signed similarity.
    """
    return 1 - similarity(audio_change, face_change, signed).mean()


class PerceptualDistance(nn.Module):
    """Squared distance of unit-length features, averaged over levels and places; 0 for equal pictures.

    This is LPIPS without its learnt channel weights, over whatever network gives the features.
    """

    def __init__(self, features: nn.Module):
        super().__init__()
        self.features = features.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "PerceptualDistance":
        """Stay in evaluation mode: the features are frozen."""
        return self

    def forward(self, one: Float[Tensor, "B 3 S S"], other: Float[Tensor, "B 3 S S"]) -> Tensor:
        """Return the mean distance of two batches of pictures in [0, 1]."""
        pairs = zip(self.features(one), self.features(other), strict=True)
        return torch.stack([_unit_distance(x, y) for x, y in pairs]).mean()


class Lpips(nn.Module):
    """LPIPS (v0.1): squared distance of unit-length features, each channel by its learnt weight, summed over levels.

    The mean over places and over the batch is taken; 0 for equal pictures, less is better. Nothing here is trained.
    Source: R. Zhang et al., The unreasonable effectiveness of deep features as a perceptual metric (2018).
    """

    def __init__(self, features: nn.Module, channels: Sequence[Float[Tensor, " C"]]):
        """Take five levels of features, and as many weights as each has channels."""
        super().__init__()
        self.features = features.requires_grad_(False).eval()
        self.channels = nn.ParameterList(nn.Parameter(weights, requires_grad=False) for weights in channels)

    def train(self, mode: bool = True) -> "Lpips":
        """Stay in evaluation mode: the features are frozen."""
        return self

    def forward(self, one: Float[Tensor, "B 3 S S"], other: Float[Tensor, "B 3 S S"]) -> Tensor:
        """Return the mean distance of two batches of pictures in [0, 1]."""
        levels = zip(self.features(one), self.features(other), self.channels, strict=True)
        return torch.stack([_unit_distance(x, y, weights) for x, y, weights in levels]).sum()


def _unit_distance(one: Tensor, other: Tensor, channels: Tensor | None = None) -> Tensor:
    difference = functional.normalize(one, dim=1, eps=1e-6) - functional.normalize(other, dim=1, eps=1e-6)
    squared = difference.square()
    return (squared if channels is None else squared * channels[:, None, None]).sum(dim=1).mean()


def weighted_sum(terms: Sequence[tuple[float, Tensor]]) -> Tensor:
    """Return Σ weight · term over the terms whose weight is not zero.

    Raises:
        InputError: there is none.
    """
    weighted = [weight * term for weight, term in terms if weight]
    if not weighted:
        raise InputError("every loss has the weight 0, so that nothing would be learnt: give one of them a weight")
    return torch.stack(weighted).sum()

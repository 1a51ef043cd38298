"""Losses of the generator's networks. Every loss is a mean, is 0 where it says so, and falls as things get better.

Shapes: B samples, T frames, S side of a picture, `...` any leading axes.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tavce.faces.points import LOWER_LIDS, OUTER_EYE_CORNERS, UPPER_LIDS
from tavce.networks.discriminator import Judgement


def hinge_discriminator_loss(real: Sequence[Tensor], painted: Sequence[Tensor]) -> Tensor:
    """Return the hinge loss of a discriminator's scores, one tensor a scale; 0 once real ≥ 1 and painted ≤ −1."""
    terms = [functional.relu(1 - score).mean() for score in real]
    terms += [functional.relu(1 + score).mean() for score in painted]
    return torch.stack(terms).sum() / len(real)


def hinge_generator_loss(painted: Sequence[Tensor]) -> Tensor:
    """Return −mean score of what was painted: unbounded, lower is better."""
    return -torch.stack([score.mean() for score in painted]).mean()


def feature_matching_loss(real: Sequence[Judgement], painted: Sequence[Judgement]) -> Tensor:
    """Return the mean absolute difference of the discriminator's features; 0 for equal pictures; real is not learnt."""
    terms = [
        functional.l1_loss(mine, theirs.detach())
        for judged, truth in zip(painted, real, strict=True)
        for mine, theirs in zip(judged.features, truth.features, strict=True)
    ]
    return torch.stack(terms).mean()


def expression_loss(mapped: Float[Tensor, "B K 3"], seen: Float[Tensor, "B K 3"]) -> Tensor:
    """Return the mean absolute difference of keypoints' expressions; 0 for equal ones; what was seen is not learnt.

    Its weight is that of the paper and of the released configuration; the release has no code that trains with it.
    """
    return functional.l1_loss(mapped, seen.detach())


class PyramidLoss(nn.Module):
    """Perceptual L1 distance of two batches of pictures, summed over scales and levels; 0 for equal pictures.

    Source: the multi-scale perceptual loss of first-order-model and face-vid2vid.
    """

    def __init__(self, features: nn.Module, scales: Sequence[float]):
        super().__init__()
        self.features = features.requires_grad_(False).eval()
        self._scales = tuple(scales)

    def train(self, mode: bool = True) -> "PyramidLoss":
        """Stay in evaluation mode: the features are frozen."""
        return self

    def forward(self, painted: Float[Tensor, "B 3 S S"], real: Float[Tensor, "B 3 S S"]) -> Tensor:
        """Return the distance of pictures in [0, 1]."""
        terms = []
        for scale in self._scales:
            mine, theirs = (_scaled(picture, scale) for picture in (painted, real))
            with torch.no_grad():
                wanted = self.features(theirs)
            terms += [functional.l1_loss(a, b) for a, b in zip(self.features(mine), wanted, strict=True)]
        return torch.stack(terms).sum()


def _scaled(picture: Tensor, scale: float) -> Tensor:
    if scale == 1:
        return picture
    return functional.interpolate(picture, scale_factor=scale, mode="bilinear", antialias=True, align_corners=False)


def mouth_boxes(
    pictures: Float[Tensor, "B 3 S S"], boxes: Float[Tensor, "B 3"], side_px: int
) -> Float[Tensor, "B 3 side side"]:
    """Return the mouth boxes of pictures, cut out and resized to `side_px`; differentiable in the pictures.

    Bilinear; nothing outside a box is looked at, so a box of whole pixels is enlarged as OpenCV enlarges its crop.

    Args:
        pictures: any range.
        boxes: left, top and side of each box, as fractions of the picture's side.
        side_px: side of the result.
    """
    steps = (torch.arange(side_px, device=boxes.device, dtype=boxes.dtype) + 0.5) / side_px
    half_px = 0.5 / pictures.shape[-1]
    inside = (steps * boxes[:, 2, None]).clamp(min=half_px).minimum(boxes[:, 2, None] - half_px)
    x, y = boxes[:, 0, None] + inside, boxes[:, 1, None] + inside
    grid = torch.stack([x[:, None, :].expand(-1, side_px, -1), y[:, :, None].expand(-1, -1, side_px)], dim=-1)
    return functional.grid_sample(pictures, (2 * grid - 1).to(pictures.dtype), align_corners=False, mode="bilinear")


def masked_l1(painted: Tensor, real: Tensor, boxes: Float[Tensor, "B 3"]) -> Tensor:
    """Return the mean absolute difference inside boxes (fractions of the side), 0 for equal pictures."""
    side_px = max(2, round(float(boxes[:, 2].mean()) * painted.shape[-1]))
    return functional.l1_loss(mouth_boxes(painted, boxes, side_px), mouth_boxes(real, boxes, side_px))


def eye_opening(points: Float[Tensor, "... 68 2"]) -> Float[Tensor, "..."]:
    """Return the mean gap of the lids as a fraction of the inter-ocular distance: the blink ratio."""
    gaps = (points[..., list(LOWER_LIDS), :] - points[..., list(UPPER_LIDS), :]).norm(dim=-1).mean(dim=-1)
    left, right = OUTER_EYE_CORNERS
    return gaps / (points[..., right, :] - points[..., left, :]).norm(dim=-1)


def kl_loss(mean: Float[Tensor, "B L"], log_variance: Float[Tensor, "B L"]) -> Tensor:
    """Return the mean divergence of N(mean, variance) from N(0, 1) a sample; 0 at mean 0, log-variance 0."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1).mean()

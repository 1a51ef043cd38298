"""The expression of a real picture, which the mapping's is compared with while the renderer learns.

Reads   `tavce.weights`: facevid2vid (key `he_estimator`)
Source  face-vid2vid's head-pose/expression estimator, as SadTalker publishes it

Shapes: B pictures, K keypoints, S side of a picture.
"""

import logging

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tavce.config.renderer_networks import RendererNetworks
from tavce.networks.headpose import HeadPoseExpression, HeadPoseExpressionSizes
from tavce.published.files import PublishedFile
from tavce.published.filling import fill
from tavce.published.renderer_layout import head_pose

log = logging.getLogger(__name__)


class FrozenEstimator(nn.Module):
    """A trained estimator as the renderer uses it: no gradient to or through it, always in evaluation mode."""

    def __init__(self, network: HeadPoseExpression):
        super().__init__()
        self.network = network.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "FrozenEstimator":
        """Stay in evaluation mode, so that batch statistics cannot drift."""
        return self

    @torch.no_grad()
    def forward(self, pictures: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B K 3"]:
        """Return the expression of faces in [0, 1]; the published estimator has learnt from pictures of 256 px."""
        return self.network(pictures).expression


def build_estimator(sizes: RendererNetworks) -> HeadPoseExpression:
    """Return an untrained estimator."""
    return HeadPoseExpression(HeadPoseExpressionSizes(keypoints=sizes.keypoints, **sizes.estimator.model_dump()))


def load_estimator(sizes: RendererNetworks) -> FrozenEstimator:
    """Return the published estimator, frozen.

    Raises:
        InputError: its file is missing, cannot be read, or is of another network; names the entry that does not fit.
    """
    network = build_estimator(sizes)
    part = PublishedFile.of("facevid2vid").part("he_estimator")
    log.info("%s", fill(network, part, head_pose(sizes.estimator.blocks)))
    return FrozenEstimator(network)

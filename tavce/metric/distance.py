"""What a rebuilt frame is judged by, with its published weights.

Reads   `tavce.weights`: the features' file, and for lpips_vgg the weights of its channels (lin0 … lin4, [1, C, 1, 1])
"""

import torch
from torch import Tensor, nn

from tavce import weights
from tavce.metric.losses import Lpips, PerceptualDistance
from tavce.training.features import load_features


def load_distance(name: str) -> nn.Module:
    """Return the frozen distance of two batches of pictures in [0, 1]: LPIPS, or one of plain features by their name.

    Raises:
        InputError: weights are missing or do not fit; names the file, where to get it, and what does without.
    """
    if name == "lpips_vgg":
        channels = _channels()  # a small file: if it is missing, that is known at once
        return Lpips(load_features("vgg16"), channels)
    return PerceptualDistance(load_features(name))


def _channels() -> list[Tensor]:
    state = torch.load(weights.path_of("lpips_vgg"), map_location="cpu", weights_only=True)
    return [state[f"lin{level}.model.1.weight"].flatten() for level in range(5)]

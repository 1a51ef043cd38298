"""Feature networks that judge pictures, with their published weights."""

import torch
from torch import nn

from tavce import weights
from tavce.networks.perceptual import MobileNetV2Features, Vgg16Features, Vgg19Features
from tavce.records import InputError

FEATURES = {"vgg16": Vgg16Features, "vgg19": Vgg19Features, "mobilenetv2": MobileNetV2Features}


def load_features(name: str) -> nn.Module:
    """Return the frozen features of `vgg16`, `vgg19` or `mobilenetv2`.

    Raises:
        InputError: the weights are missing, or do not fit; names the entry.
    """
    network = FEATURES[name]()
    path = weights.path_of(name)
    state = torch.load(path, map_location="cpu", weights_only=True)
    missing, _unused = network.load_state_dict(state, strict=False)
    if missing:
        raise InputError(f"{path} lacks '{missing[0]}' and {len(missing) - 1} more entries of {name}")
    return network.requires_grad_(False).eval()

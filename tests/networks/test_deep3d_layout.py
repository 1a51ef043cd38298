"""The network of Deep3DFaceRecon has the entries of the published checkpoint, and takes the picture as it is."""

from itertools import product

import torch

from tavce.networks.deep3d import ANGLES, EXPRESSION, HEADS, TRANSLATION, FaceCoefficients

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BLOCKS = {"layer1": 3, "layer2": 4, "layer3": 6, "layer4": 3}
SHAPES = {
    "backbone.conv1.weight": (64, 3, 7, 7),
    "backbone.layer1.0.downsample.0.weight": (256, 64, 1, 1),
    "backbone.layer2.0.conv1.weight": (128, 256, 1, 1),
    "backbone.layer3.5.conv2.weight": (256, 256, 3, 3),
    "backbone.layer4.2.conv3.weight": (2048, 512, 1, 1),
    "backbone.layer4.2.bn3.running_var": (2048,),
    "final_layers.0.weight": (80, 2048, 1, 1),
    "final_layers.1.weight": (64, 2048, 1, 1),
    "final_layers.2.bias": (80,),
    "final_layers.3.weight": (3, 2048, 1, 1),
    "final_layers.4.bias": (27,),
    "final_layers.5.weight": (2, 2048, 1, 1),
    "final_layers.6.bias": (1,),
}


def published() -> list[str]:
    """Return the names of the published entries, in their order."""
    names = ["backbone.conv1.weight", *(f"backbone.bn1.{entry}" for entry in NORM)]
    for layer, blocks in BLOCKS.items():
        for block in range(blocks):
            inside = f"backbone.{layer}.{block}"
            for number in (1, 2, 3):
                names += [f"{inside}.conv{number}.weight", *(f"{inside}.bn{number}.{entry}" for entry in NORM)]
            if block == 0:
                names += [f"{inside}.downsample.0.weight", *(f"{inside}.downsample.1.{entry}" for entry in NORM)]
    return names + [f"final_layers.{head}.{entry}" for head, entry in product(range(7), ("weight", "bias"))]


def empty() -> FaceCoefficients:
    with torch.device("meta"):
        return FaceCoefficients()


def test_the_entries_are_the_published_ones_in_their_order():
    network = empty()
    assert list(network.state_dict()) == published()
    assert len(published()) == 332
    assert sum(parameter.numel() for parameter in network.parameters()) == 24_034_625
    assert sum(buffer.numel() for buffer in network.buffers()) == 53_173
    assert {name: tuple(network.state_dict()[name].shape) for name in SHAPES} == SHAPES


def test_seven_heads_make_257_numbers_of_which_seventy_are_motion():
    assert empty()(torch.zeros(2, 3, 224, 224, device="meta")).shape == (2, 257)
    ends = [sum(HEADS[:count]) for count in range(len(HEADS) + 1)]
    assert (EXPRESSION.start, EXPRESSION.stop) == (ends[1], ends[2])
    assert (ANGLES.start, ANGLES.stop) == (ends[3], ends[4])
    assert (TRANSLATION.start, TRANSLATION.stop) == (ends[5], ends[7])


def test_training_leaves_the_published_statistics_alone():
    assert not any(module.training for module in empty().train().modules())

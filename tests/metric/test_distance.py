"""Facts about LPIPS: it is the published formula, with the published weights of channels."""

import importlib.util

import published_layouts as layouts
import pytest
import torch
from torch import nn

from tavce import weights
from tavce.metric import distance
from tavce.metric.losses import Lpips
from tavce.networks.perceptual import Vgg16Features
from tavce.records import InputError

CHANNELS = (64, 128, 256, 512, 512)


class OneLevel(nn.Module):
    """A picture's colours as they are, as the only level."""

    def forward(self, pictures):
        return [pictures]


@pytest.fixture(scope="module")
def vgg16() -> layouts.State:
    return layouts.numbers(layouts.vgg16(), 1)


def features(state: layouts.State) -> Vgg16Features:
    network = Vgg16Features()
    network.load_state_dict(state)
    return network


@torch.inference_mode()
def test_lpips_is_the_published_formula(vgg16):
    learnt = {f"lin{level}.model.1.weight": torch.rand(1, width, 1, 1) for level, width in enumerate(CHANNELS)}
    ours = Lpips(features(vgg16), [entry.flatten() for entry in learnt.values()])
    one, other = torch.rand(2, 2, 3, 48, 48)
    published = layouts.lpips(vgg16, learnt, one * 2 - 1, other * 2 - 1)
    assert published.min() > 0.1
    torch.testing.assert_close(ours(one, other), published.mean(), atol=0, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.skipif(importlib.util.find_spec("lpips") is None, reason="the package with the weights is not installed")
def test_the_published_weights_of_channels_are_those_of_the_package(vgg16, monkeypatch):
    monkeypatch.setattr(distance, "load_features", lambda name: features(vgg16) if name == "vgg16" else None)
    learnt = torch.load(weights.path_of("lpips_vgg"), map_location="cpu", weights_only=True)
    one, other = torch.rand(2, 1, 3, 48, 48)
    published = layouts.lpips(vgg16, learnt, one * 2 - 1, other * 2 - 1)
    torch.testing.assert_close(distance.load_distance("lpips_vgg")(one, other), published[0], atol=0, rtol=1e-5)


def test_a_channel_counts_by_its_weight_and_levels_are_summed():
    red, green = torch.zeros(2, 1, 3, 4, 4)
    red[:, 0], green[:, 1] = 1, 0.3
    assert Lpips(OneLevel(), [torch.tensor([0.5, 0.25, 9])])(red, green).item() == pytest.approx(0.75)


def test_equal_pictures_have_no_distance_even_where_all_features_are_zero():
    black = torch.zeros(1, 3, 4, 4, requires_grad=True)
    value = Lpips(OneLevel(), [torch.ones(3)])(black, torch.zeros(1, 3, 4, 4))
    value.backward()
    assert value.item() == 0
    assert black.grad.abs().max() == 0


def test_lpips_teaches_the_picture_and_neither_its_features_nor_its_weights(vgg16):
    judge = Lpips(features(vgg16), [torch.ones(width) for width in CHANNELS]).train()
    painted = torch.rand(1, 3, 32, 32, requires_grad=True)
    judge(painted, torch.rand(1, 3, 32, 32)).backward()
    assert painted.grad.abs().max() > 0
    assert not any(weight.requires_grad for weight in judge.parameters())
    assert not judge.features.training


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (
            "lpips_vgg",
            "lpips_vgg weights are missing: run `pip install --no-deps lpips==0.1.4`, or place weights/v0.1/vgg.pth "
            "from lpips==0.1.4 (licence: BSD-2-Clause (richzhang/PerceptualSimilarity)) as "
            "store/weights/weights/v0.1/vgg.pth; `perceptual: mobilenetv2` needs no download",
        ),
        (
            "vgg16",
            "vgg16 weights are missing: run `tavce fetch vgg16`, or place vgg16-397923af.pth from "
            "https://download.pytorch.org/models/vgg16-397923af.pth (licence: BSD-3-Clause (torchvision), ImageNet "
            "terms) as store/weights/vgg16-397923af.pth; `perceptual: mobilenetv2` needs no download",
        ),
    ],
)
def test_missing_weights_are_named_with_what_needs_none(tmp_path, monkeypatch, missing, words):
    monkeypatch.chdir(tmp_path)
    lpips = weights.table()["lpips_vgg"]
    nowhere = {**weights.table(), "lpips_vgg": lpips.model_copy(update={"module": "lpips_nobody_has"})}
    monkeypatch.setattr(weights, "table", lambda: nowhere)
    if missing == "vgg16":
        monkeypatch.setattr(distance, "_channels", list)
    with pytest.raises(InputError) as caught:
        distance.load_distance("lpips_vgg")
    assert str(caught.value) == words


def test_a_distance_of_plain_features_needs_no_weights_of_channels():
    picture = torch.rand(1, 3, 32, 32)
    judge = distance.load_distance("mobilenetv2")
    assert judge(picture, picture.clone()).item() == 0
    assert judge(picture, picture.flip(-1)) > 0

import published_layouts as layouts
import pytest
import torch

from tavce.networks.perceptual import MobileNetV2Features, Vgg16Features, Vgg19Features


def test_vgg19_is_cut_after_relu5_1_and_named_as_published():
    with torch.device("meta"):
        shapes = {name: tuple(entry.shape) for name, entry in Vgg19Features().state_dict().items()}
    published = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
    assert list(shapes)[::2] == [f"features.{layer}.weight" for layer in published]
    assert shapes["features.28.weight"] == (512, 512, 3, 3)
    assert shapes["features.10.weight"] == (256, 128, 3, 3)


def test_vgg19_levels_halve_and_are_rectified():
    levels = Vgg19Features()(torch.rand(1, 3, 32, 32))
    shapes = [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert [tuple(level.shape[1:]) for level in levels] == shapes
    assert all(level.min() >= 0 for level in levels)


def test_vgg16_is_cut_after_relu5_3_and_named_as_published():
    with torch.device("meta"):
        shapes = {name: tuple(entry.shape) for name, entry in Vgg16Features().state_dict().items()}
    assert shapes == layouts.vgg16()
    assert list(shapes)[-2] == "features.28.weight"


def test_vgg16_levels_are_the_last_of_each_resolution():
    levels = Vgg16Features()(torch.rand(1, 3, 32, 32))
    shapes = [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert [tuple(level.shape[1:]) for level in levels] == shapes
    assert Vgg16Features().levels == [3, 8, 15, 22, 29]


def test_mobilenet_has_the_published_number_of_parameters_without_the_classifier():
    with torch.device("meta"):
        parameters = MobileNetV2Features().parameters()
    assert sum(parameter.numel() for parameter in parameters) == 3_504_872 - 1_281_000


def test_mobilenet_levels_halve_from_half_the_picture_on():
    levels = MobileNetV2Features()(torch.rand(1, 3, 64, 64))
    assert [tuple(level.shape[1:]) for level in levels] == [
        (16, 32, 32),
        (24, 16, 16),
        (32, 8, 8),
        (96, 4, 4),
        (1280, 2, 2),
    ]


def test_mobilenet_entries_are_named_as_published():
    with torch.device("meta"):
        names = set(MobileNetV2Features().state_dict())
    assert len(names) == 312
    assert {"features.0.0.weight", "features.1.conv.0.1.running_mean", "features.1.conv.1.weight"} <= names
    assert {"features.17.conv.1.0.weight", "features.17.conv.3.bias", "features.18.1.num_batches_tracked"} <= names


def test_mobilenets_statistics_never_drift():
    network = MobileNetV2Features().train()
    before = network.features[0][1].running_mean.clone()
    network(torch.rand(2, 3, 32, 32))
    assert torch.equal(network.features[0][1].running_mean, before)


@pytest.mark.parametrize("network", [Vgg16Features, Vgg19Features, MobileNetV2Features])
def test_the_picture_gets_a_gradient_and_the_weights_none(network):
    features, picture = network(), torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(level.sum() for level in features(picture)).backward()
    assert picture.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in features.parameters())


@pytest.mark.parametrize("network", [Vgg16Features, Vgg19Features, MobileNetV2Features])
def test_imagenets_mean_colour_is_nothing(network):
    colour = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    features = network()
    torch.testing.assert_close(features.normalise(colour), torch.zeros(1, 3, 1, 1))
    assert features.normalise(colour + torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)).allclose(torch.ones(()))

"""Facts about the Inception-v3 of FID, by the names and shapes of its published file."""

import pytest
import torch
from inception_layout import inception

from tavce.networks.inception import InceptionFeatures

PUBLISHED_BYTES = 95_628_359  # of pt_inception-2015-12-05-6726825d.pth
CLASSIFIER = 2048 * 1008 + 1008


@pytest.fixture(scope="module")
def network() -> InceptionFeatures:
    torch.manual_seed(0)
    return InceptionFeatures()


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.rand(1, 3, 299, 299, generator=torch.Generator().manual_seed(0))


def test_the_numbers_and_the_classifier_fill_the_published_file_but_for_its_table_of_contents(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_850_960 - CLASSIFIER
    size = sum(entry.numel() * entry.element_size() for entry in network.state_dict().values())
    assert 0 < PUBLISHED_BYTES - size - 4 * CLASSIFIER < 100_000


def test_entries_are_named_and_shaped_as_published(network):
    shapes = {name: tuple(entry.shape) for name, entry in network.state_dict().items()}
    assert shapes == inception()


def test_a_picture_of_299_px_is_not_resized_and_others_are_resized_bilinearly(network):
    column = torch.tensor([0.0, 1, 1, 0]).repeat(1, 3, 4, 1)
    large = torch.nn.functional.interpolate(column, size=(299, 299), mode="bilinear")
    assert large[0, 0, 0, 74] == pytest.approx((74.5 * 4 / 299) - 0.5, abs=1e-5)  # pixel middles lie half a pixel in
    torch.testing.assert_close(network(column), network(large), atol=1e-6, rtol=1e-4)


def test_features_are_2048_rectified_means_of_one_picture_alone(network, picture):
    both = network(torch.cat([picture, 1 - picture]))
    assert both.shape == (2, 2048)
    assert both.min() >= 0
    torch.testing.assert_close(both[:1], network(picture), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("block", ["Mixed_5b", "Mixed_6b", "Mixed_7b"])
def test_average_pooling_leaves_the_padding_out(network, block):
    """What is pooled of an even surface is even up to the border."""
    layer = getattr(network, block)
    pooled = layer.branch_pool.conv.out_channels
    features = layer(torch.ones(1, layer.branch_pool.conv.in_channels, 8, 8))[:, -pooled:]
    torch.testing.assert_close(features, features[:, :, 4:5, 4:5].expand_as(features))


def test_the_last_block_pools_by_maximum(network):
    """A point among nothing becomes a square of the same value, not of a ninth of it."""
    point = torch.zeros(1, 2048, 8, 8)
    point[:, :, 4, 4] = 1
    features = network.Mixed_7c(point)[0, -192:]
    everywhere = network.Mixed_7c(torch.ones(1, 2048, 8, 8))[0, -192:]
    torch.testing.assert_close(features[:, 3:6, 3:6], everywhere[:, 3:6, 3:6])
    assert not features[:, :2].any()


def test_statistics_never_drift_and_weights_get_no_gradient(picture):
    network = InceptionFeatures().train()
    before = network.Conv2d_1a_3x3.bn.running_mean.clone()
    picture = picture[:, :, :32, :32].clone().requires_grad_()
    network(picture).sum().backward()
    assert torch.equal(network.Conv2d_1a_3x3.bn.running_mean, before)
    assert picture.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())

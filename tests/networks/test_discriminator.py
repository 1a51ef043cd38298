import pytest
import small_sizes
import torch

from tavce.networks.discriminator import MultiScaleDiscriminator


def test_every_scale_gives_the_features_of_each_block_and_a_score_a_patch():
    judgements = MultiScaleDiscriminator(small_sizes.DISCRIMINATOR)(torch.rand(2, 3, 64, 64))
    shapes = [[tuple(features.shape[1:]) for features in judgement.features] for judgement in judgements]
    assert shapes == [[(4, 30, 30), (8, 13, 13), (8, 10, 10)], [(4, 14, 14), (8, 5, 5), (8, 2, 2)]]
    assert [tuple(judgement.prediction.shape) for judgement in judgements] == [(2, 1, 10, 10), (2, 1, 2, 2)]


def test_a_picture_is_judged_by_itself():
    discriminator, pictures = MultiScaleDiscriminator(small_sizes.DISCRIMINATOR).eval(), torch.rand(3, 3, 64, 64)
    together, flipped = discriminator(pictures), discriminator(pictures.flip(0))
    for straight, backward in zip(together, flipped, strict=True):
        torch.testing.assert_close(backward.prediction, straight.prediction.flip(0))


def test_a_gradient_reaches_every_pixel():
    picture = torch.rand(1, 3, 64, 64, requires_grad=True)
    MultiScaleDiscriminator(small_sizes.DISCRIMINATOR)(picture)[1].prediction.sum().backward()
    assert (picture.grad.abs().sum(dim=1) > 0).float().mean() > 0.7


def test_a_picture_too_small_for_the_kernels_is_refused():
    with pytest.raises(ValueError, match=r"a picture of \[28, 28\] px is too small for 3 discriminator blocks"):
        MultiScaleDiscriminator(small_sizes.DISCRIMINATOR)(torch.rand(1, 3, 56, 56))

import pytest
import torch

from tavce.networks.antialias import AntiAliasDownscale


def test_scale_one_returns_the_picture_and_a_finite_kernel():
    downscale = AntiAliasDownscale(3, 1.0)
    picture = torch.rand(1, 3, 5, 7)
    assert torch.equal(downscale(picture), picture)
    assert torch.equal(downscale.weight, torch.ones(3, 1, 1, 1))


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.125])
def test_the_kernel_is_a_weighted_mean(scale):
    kernel = AntiAliasDownscale(1, scale).weight
    torch.testing.assert_close(kernel.sum(), torch.tensor(1.0))
    assert (kernel > 0).all()


def test_the_kernel_at_a_quarter_has_a_standard_deviation_of_one_and_a_half_pixels():
    profile = AntiAliasDownscale(1, 0.25).weight[0, 0].sum(dim=0)
    offsets_px = torch.arange(-6, 7)
    torch.testing.assert_close((profile * offsets_px**2).sum().sqrt(), torch.tensor(1.5), rtol=2e-3, atol=0)


def test_an_even_grey_stays_even_away_from_the_border():
    small = AntiAliasDownscale(1, 0.25)(torch.full((1, 1, 64, 64), 0.7))
    assert small.shape == (1, 1, 16, 16)
    torch.testing.assert_close(small[:, :, 2:-2, 2:-2], torch.full((1, 1, 12, 12), 0.7))


def test_stripes_too_fine_for_the_small_picture_turn_grey():
    stripes = (torch.arange(64) % 2).float().expand(1, 1, 64, 64)
    small = AntiAliasDownscale(1, 0.25)(stripes)[:, :, 2:-2, 2:-2]
    assert (small - 0.5).abs().max() < 0.01


@pytest.mark.parametrize("scale", [0.3, 2.0, 0.0, -0.5])
def test_a_scale_that_is_not_one_over_a_whole_number_is_refused(scale):
    with pytest.raises(ValueError, match=f"scale must be one over a whole number, not {scale}"):
        AntiAliasDownscale(3, scale)

import pytest
import torch

from tavce.networks.blocks import Hourglass3d, ResBlock3d, SameBlock2d, UpBlock3d, coordinate_grid

ANY = torch.zeros(())


def test_the_grid_has_its_corners_at_minus_and_plus_one():
    grid = coordinate_grid(2, 3, 5, ANY)
    torch.testing.assert_close(grid[0, 0, 0], torch.tensor([-1.0, -1.0, -1.0]))
    torch.testing.assert_close(grid[1, 2, 4], torch.tensor([1.0, 1.0, 1.0]))


def test_the_grid_lists_x_first_along_the_width():
    grid = coordinate_grid(2, 3, 5, ANY)
    torch.testing.assert_close(grid[0, 0, :, 0], torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]))
    torch.testing.assert_close(grid[:, 0, 0, 2], torch.tensor([-1.0, 1.0]))


def test_a_grid_of_one_layer_lies_in_the_middle():
    assert coordinate_grid(1, 4, 4, ANY)[..., 2].abs().max() == 0


def test_the_grid_takes_the_precision_of_what_it_is_for():
    assert coordinate_grid(2, 2, 2, torch.zeros((), dtype=torch.float64)).dtype == torch.float64


def test_a_same_block_with_a_slope_lets_negatives_through():
    block = SameBlock2d(1, 1, negative_slope=0.5).eval()
    torch.nn.init.dirac_(block.conv.weight)
    torch.nn.init.zeros_(block.conv.bias)
    torch.testing.assert_close(block(torch.full((1, 1, 3, 3), -2.0)), torch.full((1, 1, 3, 3), -1.0), rtol=1e-4, atol=0)


def test_an_up_block_doubles_the_picture_but_not_the_depth():
    assert UpBlock3d(2, 3)(torch.zeros(1, 2, 4, 5, 6)).shape == (1, 3, 4, 10, 12)


def test_a_residual_block_without_weights_is_the_identity():
    block = ResBlock3d(3)
    torch.nn.init.zeros_(block.conv2.weight)
    torch.nn.init.zeros_(block.conv2.bias)
    volume = torch.randn(2, 3, 2, 4, 4)
    torch.testing.assert_close(block(volume), volume)


def test_the_hourglass_returns_its_first_width_beside_its_input():
    hourglass = Hourglass3d(5, (4, 8, 8))
    assert hourglass(torch.zeros(2, 5, 3, 8, 4)).shape == (2, hourglass.out_channels, 3, 8, 4)
    assert hourglass.out_channels == 4 + 5


def test_every_input_of_the_hourglass_reaches_every_output_through_the_bottleneck():
    volume = torch.randn(1, 2, 1, 8, 8, requires_grad=True)
    Hourglass3d(2, (4, 8, 8, 8)).eval()(volume)[0, :, 0, 0, 0].sum().backward()
    assert (volume.grad[0, :, 0].abs().sum(dim=0) > 0).float().mean() > 0.9


@pytest.mark.parametrize(("shape", "name"), [((1, 2, 1, 6, 8), "height"), ((1, 2, 1, 8, 6), "width")])
def test_the_hourglass_refuses_what_it_cannot_halve(shape, name):
    with pytest.raises(ValueError, match=rf"{name} of the hourglass' input must be a multiple of 4, not 6"):
        Hourglass3d(2, (4, 8, 8))(torch.zeros(shape))

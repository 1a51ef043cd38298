import small_sizes
import torch

from tavce.networks.decoder import Spade, SpadeBlockSizes, SpadeDecoder, SpadeResBlock


def silence(*convolutions):
    for convolution in convolutions:
        torch.nn.init.zeros_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)


def test_a_spade_layer_that_modulates_nothing_is_an_instance_norm():
    spade = Spade(3, condition_channels=2, modulation_channels=4)
    silence(spade.scale, spade.shift)
    normed = spade(5 * torch.randn(2, 3, 8, 8) + 7, torch.randn(2, 2, 8, 8))
    torch.testing.assert_close(normed.mean(dim=(2, 3)), torch.zeros(2, 3), rtol=0, atol=1e-5)
    torch.testing.assert_close(normed.var(dim=(2, 3), correction=0), torch.ones(2, 3), rtol=0, atol=1e-4)


def test_a_spade_layer_forgets_scale_and_offset_of_its_input():
    spade = Spade(3, condition_channels=2, modulation_channels=4)
    features, condition = torch.randn(2, 3, 8, 8), torch.randn(2, 2, 8, 8)
    torch.testing.assert_close(spade(3 * features - 1, condition), spade(features, condition), rtol=1e-3, atol=1e-4)


def test_a_block_of_equal_widths_whose_residual_is_silent_is_the_identity():
    block = SpadeResBlock(SpadeBlockSizes(4, 4, condition_channels=3, modulation_channels=2))
    silence(block.norm2.scale, block.norm2.shift)
    block.norm2.scale.bias.data.fill_(-1)
    torch.nn.init.zeros_(block.conv2.bias)
    features = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(block(features, torch.randn(2, 3, 4, 4)), features)


def test_the_picture_is_four_times_the_features_and_lies_between_black_and_white():
    picture = SpadeDecoder(small_sizes.DECODER)(100 * torch.randn(2, 8, 8, 6))
    assert picture.shape == (2, 3, 32, 24)
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_the_decoders_residual_convolutions_have_spectral_norm_one():
    decoder = SpadeDecoder(small_sizes.DECODER)
    for _ in range(20):
        decoder(torch.randn(1, 8, 4, 4))
    largest = torch.linalg.matrix_norm(decoder.middle_blocks[0].conv1.weight.flatten(1), ord=2)
    torch.testing.assert_close(largest, torch.tensor(1.0), rtol=0.02, atol=0)

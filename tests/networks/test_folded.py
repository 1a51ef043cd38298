"""Facts about the decoder that is used and not trained: it paints the same picture."""

from dataclasses import replace

import pytest
import small_sizes
import torch
import torch.nn.functional as F
from torch import nn

from tavce.networks.decoder import SpadeDecoder
from tavce.networks.folded import FoldedDecoder, UpsampledConv


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_a_convolution_of_what_is_upsampled_is_computed_on_its_cells(factor):
    convs = [nn.Conv2d(5, width, 3, padding=1) for width in (3, 4)]
    condition = torch.randn(2, 5, 6, 3)
    upsampled = condition.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
    for painted, conv in zip(UpsampledConv(convs, factor)(condition), convs, strict=True):
        torch.testing.assert_close(painted, F.relu(conv(upsampled)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("up_channels", [(10, 6), (6, 6), (10, 6, 4)])
def test_a_folded_decoder_paints_what_the_decoder_paints(up_channels):
    decoder = SpadeDecoder(replace(small_sizes.DECODER, up_channels=up_channels)).eval()
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    features, before = torch.randn(2, 8, 6, 4), {k: v.clone() for k, v in decoder.state_dict().items()}
    with torch.no_grad():
        painted, expected = FoldedDecoder(decoder)(features), decoder(features)
    assert painted.shape == (2, 3, 6 * 2 ** len(up_channels), 4 * 2 ** len(up_channels))
    assert expected.std() > 0.01
    torch.testing.assert_close(painted, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(dict(decoder.state_dict()), before, atol=0, rtol=0)

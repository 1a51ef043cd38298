"""Facts about the closed form of the temporal correlation."""

import pytest
import torch
from bench.full_matrix import covariance
from torch.nn import functional

from tavce.metric.correlation import channel_attention, direction, similarity


@pytest.fixture
def changes() -> tuple[torch.Tensor, torch.Tensor]:
    """Two batches of changes in double precision, of every size from 0.01 to 100."""
    torch.manual_seed(2024)
    sizes = 10 ** torch.linspace(-2, 2, 16, dtype=torch.float64)[:, None]
    return tuple(torch.randn(2, 16, 12, dtype=torch.float64) * sizes)


def test_the_similarity_is_the_cosine_of_the_full_matrices(changes):
    audio, face = (covariance(torch.zeros_like(change), change).flatten(1) for change in changes)
    expected = functional.cosine_similarity(audio, face, dim=1, eps=1e-30)
    torch.testing.assert_close(similarity(*changes), expected, atol=1e-9, rtol=1e-9)


def test_the_attention_is_the_diagonal_of_the_row_normalised_matrix(changes):
    now = torch.randn_like(changes[0])
    rows = functional.normalize(covariance(now, now + changes[0]), dim=2, eps=1e-30)
    expected = rows.diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(channel_attention(changes[0]), expected, atol=1e-9, rtol=1e-9)


def test_the_attention_of_a_change_of_three_and_four_is_three_and_four_fifths():
    torch.testing.assert_close(channel_attention(torch.tensor([[3.0, -4.0]])), torch.tensor([[0.6, 0.8]]))


def test_the_similarity_is_the_squared_cosine_of_the_angle():
    angle = torch.tensor(0.3, dtype=torch.float64)
    turned = torch.stack([angle.cos(), angle.sin()])[None]
    straight = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(similarity(straight, turned), angle.cos().square()[None], atol=1e-10, rtol=0)


@pytest.mark.parametrize("function", [direction, channel_attention])
def test_gradients_are_those_of_finite_differences(changes, function):
    change = (changes[0] / changes[0].norm(dim=1, keepdim=True)).requires_grad_()
    assert torch.autograd.gradcheck(function, (change,))


def test_the_similaritys_gradients_are_those_of_finite_differences(changes):
    one, other = (change / change.norm(dim=1, keepdim=True) for change in changes)
    assert torch.autograd.gradcheck(similarity, (one.requires_grad_(), other.requires_grad_()))


def test_no_change_is_like_nothing_with_a_gradient_of_zero():
    still, moving = torch.zeros(2, 5, requires_grad=True), torch.randn(2, 5, requires_grad=True)
    value = similarity(still, moving)
    value.sum().backward()
    assert value.tolist() == [0, 0]
    assert still.grad.abs().max() == 0
    assert moving.grad.abs().max() == 0


def test_the_attention_of_no_change_is_zero_with_a_gradient_of_zero():
    still = torch.zeros(1, 5, requires_grad=True)
    channel_attention(still).sum().backward()
    assert channel_attention(still).abs().max() == 0
    assert still.grad.abs().max() == 0


def test_one_still_sample_does_not_disturb_the_gradients_of_the_others():
    change = torch.randn(3, 5)
    other = torch.randn(3, 5)
    change[1] = 0
    together, alone = change.clone().requires_grad_(), change[2:].clone().requires_grad_()
    similarity(together, other).sum().backward()
    similarity(alone, other[2:]).sum().backward()
    torch.testing.assert_close(together.grad[2:], alone.grad)


def test_the_similarity_is_blind_to_the_direction_of_time(changes):
    audio, face = changes
    torch.testing.assert_close(similarity(-audio, face), similarity(audio, face))
    torch.testing.assert_close(similarity(audio, -face), similarity(audio, face))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e6])
def test_equal_changes_are_alike_whatever_their_size(size, dtype):
    change = torch.randn(4, 128, dtype=dtype)
    change = change / change.norm(dim=1, keepdim=True) * size
    assert similarity(change, change).min() > 1 - 1e-5
    torch.testing.assert_close(similarity(change, change * 7), torch.ones(4, dtype=dtype), atol=1e-5, rtol=0)


def test_half_precision_is_lifted_so_that_squares_do_not_vanish():
    change = torch.full((1, 4), 1e-4, dtype=torch.float16)
    torch.testing.assert_close(similarity(change, change), torch.ones(1))
    assert similarity(change.double(), change.double()).dtype == torch.float64

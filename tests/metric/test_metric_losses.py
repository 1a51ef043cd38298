"""Facts about the losses of the correlation metric."""

from functools import partial

import pytest
import torch
from bench.full_matrix import matrix_loss
from torch import nn

from tavce.metric.losses import Lpips, PerceptualDistance, correlation_loss, pair_loss, weighted_sum
from tavce.records import InputError


class Colours(nn.Module):
    """Two levels of features of a known kind: the colours themselves, and their means over 2 × 2 pixels."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, pictures):
        return [pictures * self.weight, nn.functional.avg_pool2d(pictures, 2)]


def test_the_pair_loss_is_what_the_paper_writes():
    positive, negative = torch.tensor([0.9, 0.5]), torch.tensor([0.1, 0.4])
    loss = pair_loss(positive, negative, margin=0.2)
    assert loss.positive.item() == pytest.approx((0.1 + 0.5) / 2)
    assert loss.negative.item() == pytest.approx((0 + 0.2) / 2)


def test_a_perfect_pair_has_no_loss_and_negatives_below_the_margin_pull_no_more():
    negative = torch.tensor([0.1, 0.3], requires_grad=True)
    loss = pair_loss(torch.ones(2), negative, margin=0.3)
    loss.negative.backward()
    assert (loss.positive.item(), loss.negative.item()) == (0, 0)
    assert negative.grad.abs().max() == 0


def test_the_correlation_loss_is_that_of_the_full_matrices():
    torch.manual_seed(2024)
    audio, face = torch.randn(2, 2, 8, 16, dtype=torch.float64)
    closed = correlation_loss(audio[1] - audio[0], face[1] - face[0])
    torch.testing.assert_close(closed, matrix_loss(tuple(audio), tuple(face)), atol=1e-10, rtol=0)


def test_the_correlation_loss_has_the_gradients_of_finite_differences():
    torch.manual_seed(2024)
    audio, face = torch.randn(2, 4, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(correlation_loss, (audio.requires_grad_(), face.requires_grad_()))


def test_the_correlation_loss_runs_from_zero_to_one():
    change = torch.randn(4, 6)
    assert correlation_loss(change, -3 * change).item() == pytest.approx(0, abs=1e-6)
    assert correlation_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])).item() == 1


def test_a_descent_on_the_correlation_loss_turns_the_face_towards_the_voice():
    torch.manual_seed(2024)
    audio, face = torch.randn(1, 6), torch.randn(1, 6, requires_grad=True)
    before = correlation_loss(audio, face)
    before.backward()
    assert correlation_loss(audio, face - 0.1 * face.grad) < before


def test_equal_pictures_have_no_perceptual_distance():
    pictures = torch.rand(2, 3, 8, 8)
    assert PerceptualDistance(Colours())(pictures, pictures.clone()).item() == 0


def test_opposite_colours_are_a_squared_distance_of_two_apart():
    red, green = torch.zeros(2, 1, 3, 4, 4)
    red[:, 0], green[:, 1] = 1, 0.3
    assert PerceptualDistance(Colours())(red, green).item() == pytest.approx(2)


def test_the_perceptual_distance_teaches_the_picture_and_not_its_features():
    distance = PerceptualDistance(Colours()).train()
    painted = torch.rand(1, 3, 4, 4, requires_grad=True)
    distance(painted, torch.rand(1, 3, 4, 4)).backward()
    assert painted.grad.abs().max() > 0
    assert not distance.features.weight.requires_grad
    assert not distance.features.training


def test_a_term_of_weight_zero_takes_no_part_even_when_it_is_not_finite():
    total = weighted_sum([(2, torch.tensor(3.0)), (0, torch.tensor(float("nan"))), (0.5, torch.tensor(4.0))])
    assert total.item() == 8


def test_losses_of_weight_zero_only_are_refused():
    with pytest.raises(InputError, match="every loss has the weight 0, so that nothing would be learnt"):
        weighted_sum([(0, torch.tensor(1.0)), (0.0, torch.tensor(2.0))])


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (lambda one, other: sum(pair_loss(one, other, 0.2)), (5,)),
        (partial(correlation_loss, signed=True), (4, 6)),
        (PerceptualDistance(Colours()).double(), (2, 3, 4, 4)),
        (Lpips(Colours(), [torch.tensor([0.2, 0.5, 1])] * 2).double(), (2, 3, 4, 4)),
        (lambda one, other: weighted_sum([(2, one.square().sum()), (0.5, other.sum())]), (3,)),
    ],
    ids=["pair", "signed_correlation", "perceptual", "lpips", "weighted_sum"],
)
def test_the_gradient_of_a_loss_is_that_of_finite_differences(loss, shape):
    torch.manual_seed(2024)
    one, other = torch.randn(2, *shape, dtype=torch.float64)
    assert torch.autograd.gradcheck(loss, (one.requires_grad_(), other.requires_grad_()))


def test_a_signed_correlation_loss_runs_from_zero_to_two():
    change = torch.randn(4, 6)
    assert correlation_loss(change, 3 * change, signed=True).item() == pytest.approx(0, abs=1e-6)
    assert correlation_loss(change, -3 * change, signed=True).item() == pytest.approx(2)

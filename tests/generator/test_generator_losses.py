"""Facts about the losses of the generator's networks."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from tavce.faces.mean_face import MEAN_FACE
from tavce.faces.points import LOWER_LIDS
from tavce.generator.losses import (
    PyramidLoss,
    expression_loss,
    eye_opening,
    feature_matching_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    kl_loss,
    masked_l1,
    mouth_boxes,
)
from tavce.networks.discriminator import Judgement


class Halves(nn.Module):
    """Two levels of features: the picture, and its means over 2 × 2 pixels."""

    def forward(self, picture):
        return [1 * picture, nn.functional.avg_pool2d(picture, 2)]


def ramp(side: int) -> torch.Tensor:
    """Return a picture [1, 3, S, S] whose channels are x, y and x + y of the pixels' centres, in px."""
    centres = torch.arange(side, dtype=torch.float64) + 0.5
    x, y = centres.expand(side, side), centres[:, None].expand(side, side)
    return torch.stack([x, y, x + y])[None]


def box(left: float, top: float, side: float, picture_px: int) -> torch.Tensor:
    return torch.tensor([[left, top, side]], dtype=torch.float64) / picture_px


def test_the_discriminators_hinge_is_zero_beyond_the_margins_and_counts_the_rest():
    assert hinge_discriminator_loss([torch.tensor([1.0, 3.0])], [torch.tensor([-1.0, -2.0])]).item() == 0
    loss = hinge_discriminator_loss([torch.tensor([0.5, 2.0])], [torch.tensor([0.0, -3.0])])
    assert loss.item() == pytest.approx(0.25 + 0.5)


def test_the_hinges_are_means_over_scales():
    real, painted = [torch.tensor([0.0]), torch.tensor([1.0])], [torch.tensor([-1.0]), torch.tensor([1.0])]
    assert hinge_discriminator_loss(real, painted).item() == pytest.approx((1 + 0 + 0 + 2) / 2)
    assert hinge_generator_loss(painted).item() == pytest.approx(0)
    assert hinge_generator_loss([torch.tensor([2.0, 4.0])]).item() == -3


def test_matching_features_have_no_loss_and_the_real_ones_learn_nothing():
    mine, theirs = torch.ones(2, 3, requires_grad=True), torch.full((2, 3), 3.0, requires_grad=True)
    real, painted = (Judgement(features=[level], prediction=torch.zeros(1)) for level in (theirs, mine))
    assert feature_matching_loss([real], [real]).item() == 0
    loss = feature_matching_loss([real], [painted])
    loss.backward()
    assert loss.item() == 2
    assert theirs.grad is None
    torch.testing.assert_close(mine.grad, torch.full((2, 3), -1 / 6))


def test_the_expression_loss_is_the_mean_difference_and_zero_for_equal_expressions():
    mapped, seen = torch.zeros(2, 5, 3), torch.zeros(2, 5, 3)
    assert expression_loss(mapped, seen).item() == 0
    seen[0, 1, 2] = -3
    assert expression_loss(mapped, seen).item() == pytest.approx(3 / 30)


def test_the_expression_that_was_seen_learns_nothing():
    mapped, seen = torch.ones(1, 2, 3, requires_grad=True), torch.zeros(1, 2, 3, requires_grad=True)
    expression_loss(mapped, seen).backward()
    assert seen.grad is None
    torch.testing.assert_close(mapped.grad, torch.full((1, 2, 3), 1 / 6))


def test_equal_pictures_have_no_pyramid_loss():
    picture = torch.rand(1, 3, 16, 16)
    assert PyramidLoss(Halves(), (1, 0.5))(picture, picture.clone()).item() == 0


def test_the_pyramid_sums_levels_and_scales_and_teaches_the_painted_picture_only():
    painted, real = torch.zeros(1, 3, 16, 16, requires_grad=True), torch.ones(1, 3, 16, 16, requires_grad=True)
    loss = PyramidLoss(Halves(), (1, 0.5, 0.25)).train()(painted, real)
    loss.backward()
    assert loss.item() == pytest.approx(2 * 3)
    assert painted.grad.abs().min() > 0
    assert real.grad is None


@pytest.mark.parametrize(("left", "top"), [(0, 0), (5, 9), (12, 20)])
def test_a_box_of_a_ramp_holds_the_ramps_values(left, top):
    cut = mouth_boxes(ramp(32), box(left, top, 12, 32), 12)
    expected = ramp(32)[:, :, top : top + 12, left : left + 12]
    torch.testing.assert_close(cut, expected)


def test_an_enlarged_box_of_a_ramp_goes_up_in_equal_steps_between_the_centres_of_its_outer_pixels():
    cut = mouth_boxes(ramp(32), box(8, 4, 6, 32), 24)
    expected = (8 + (torch.arange(24, dtype=torch.float64) + 0.5) / 4).clamp(8.5, 13.5)
    torch.testing.assert_close(cut[0, 0], expected.expand(24, 24))
    torch.testing.assert_close(cut[0, 1], (expected - 4)[:, None].expand(24, 24))


@pytest.mark.parametrize(("left", "top"), [(0, 0), (7, 3), (20, 20)])
def test_a_box_is_enlarged_as_opencv_enlarges_the_crop(left, top):
    picture = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    expected = cv2.resize(picture[top : top + 12, left : left + 12], (30, 30), interpolation=cv2.INTER_LINEAR)
    cut = mouth_boxes(torch.from_numpy(picture).permute(2, 0, 1)[None], box(left, top, 12, 32).float(), 30)
    np.testing.assert_allclose(cut[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_the_gradient_of_a_box_stays_inside_it():
    picture = torch.rand(1, 3, 16, 16, requires_grad=True)
    mouth_boxes(picture, box(4, 6, 8, 16).float(), 8).sum().backward()
    inside = torch.zeros(16, 16, dtype=torch.bool)
    inside[6:14, 4:12] = True
    assert picture.grad[:, :, inside].min() > 0.9
    assert picture.grad[:, :, ~inside].abs().max() == 0


def test_the_gradient_of_a_box_is_that_of_finite_differences():
    picture = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda shown: mouth_boxes(shown, box(1.5, 2, 4, 8), 6), (picture,))


def test_every_picture_of_a_batch_has_its_own_box():
    pictures, boxes = ramp(16).expand(2, -1, -1, -1), torch.cat([box(0, 0, 4, 16), box(10, 8, 4, 16)])
    cut = mouth_boxes(pictures, boxes, 4)
    assert cut[:, 0, 0, 0].tolist() == [0.5, 10.5]
    assert cut[:, 1, 0, 0].tolist() == [0.5, 8.5]


def test_the_masked_difference_sees_the_box_and_nothing_else():
    painted, real = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    painted[:, :, 4:8, 4:8] = 0.5
    real[:, :, 12:] = 1
    boxes = box(4, 4, 4, 16).float()
    assert masked_l1(painted, real, boxes).item() == pytest.approx(0.5)
    assert masked_l1(real, real, boxes).item() == 0


def test_eyes_twice_as_open_have_twice_the_blink_ratio_at_any_size():
    face = torch.from_numpy(MEAN_FACE[:, :2])
    wide = face.clone()
    for upper, lower in zip((37, 38, 43, 44), LOWER_LIDS, strict=True):
        wide[lower] = face[upper] + 2 * (face[lower] - face[upper])
    assert (eye_opening(wide) / eye_opening(face)).item() == pytest.approx(2)
    torch.testing.assert_close(eye_opening(torch.stack([face, 40 * face + 7])), eye_opening(face).expand(2))


def test_the_divergence_is_zero_at_the_standard_normal_and_known_elsewhere():
    nought = torch.zeros(3, 4, dtype=torch.float64)
    assert kl_loss(nought, nought).item() == 0
    assert kl_loss(nought + 2, nought).item() == pytest.approx(4 * 2)
    variance = torch.tensor(4.0, dtype=torch.float64)
    expected = 4 * 0.5 * (variance - 1 - variance.log())
    assert kl_loss(nought, nought + variance.log()).item() == pytest.approx(expected.item())


def test_the_divergence_is_that_of_torchs_own_distributions():
    mean, log_variance = torch.randn(2, 5, 3, dtype=torch.float64)
    ours = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(ours, torch.distributions.Normal(0.0, 1.0)).sum(dim=1).mean()
    torch.testing.assert_close(kl_loss(mean, log_variance), expected)


def judged(level: torch.Tensor) -> Judgement:
    return Judgement(features=[level, 2 * level], prediction=level)


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (lambda one, other: hinge_discriminator_loss([one], [other]), (6,)),
        (lambda one, other: hinge_generator_loss([one, other]), (6,)),
        (lambda one, other: feature_matching_loss([judged(torch.ones(6))], [judged(one + other)]), (6,)),
        (lambda one, other: expression_loss(one + other, torch.ones(2, 4, 3)), (2, 4, 3)),
        (lambda one, other: PyramidLoss(Halves(), (1, 0.5))(one + other, torch.ones(1, 3, 4, 4)), (1, 3, 4, 4)),
        (lambda one, other: masked_l1(one, other, box(1, 2, 4, 8)), (1, 3, 8, 8)),
        (lambda one, other: kl_loss(one, other), (2, 4)),
        (lambda one, other: eye_opening(one) + eye_opening(other), (2, 68, 2)),
    ],
    ids=[
        "hinge_discriminator",
        "hinge_generator",
        "feature_matching",
        "expression",
        "pyramid",
        "masked_l1",
        "kl",
        "eye_opening",
    ],
)
def test_the_gradient_of_a_loss_is_that_of_finite_differences(loss, shape):
    one, other = torch.randn(2, *shape, dtype=torch.float64)
    assert torch.autograd.gradcheck(loss, (one.requires_grad_(), other.requires_grad_()))

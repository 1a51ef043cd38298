import pytest
import small_sizes
import torch
import torch.nn.functional as F

from tavce.networks.mapping import FaceMotion, Mapping, headpose_degrees, rotation_matrix, transform_keypoints


def logits_of(degrees: float, batch: int = 2) -> torch.Tensor:
    """Return logits whose whole mass lies on two bins that average to an angle between -99 and 93 degrees."""
    lower, share = divmod((degrees + 99) / 3, 1)
    probabilities = torch.full((66,), 1e-30)
    probabilities[int(lower)] += 1 - share
    probabilities[int(lower) + 1] += share
    return probabilities.log().expand(batch, 66)


def motion_of(yaw=0.0, pitch=0.0, roll=0.0, translation=(0.0, 0.0, 0.0)) -> FaceMotion:
    turns = (logits_of(yaw), logits_of(pitch), logits_of(roll))
    return FaceMotion(*turns, torch.tensor([translation, translation]), torch.zeros(2, 5, 3))


@pytest.mark.parametrize(("bin_index", "degrees"), [(0, -99.0), (33, 0.0), (65, 96.0)])
def test_a_head_pose_in_one_bin_is_that_bins_angle(bin_index, degrees):
    logits = 1e4 * F.one_hot(torch.tensor([bin_index]), 66).float()
    torch.testing.assert_close(headpose_degrees(logits), torch.tensor([degrees]))


def test_an_undecided_head_pose_is_the_mean_of_all_bins():
    torch.testing.assert_close(headpose_degrees(torch.zeros(1, 66)), torch.tensor([-1.5]), rtol=0, atol=1e-4)


def test_rotations_are_orthonormal_with_determinant_one():
    rotation = rotation_matrix(*(360 * torch.rand(3, 20, dtype=torch.float64)))
    identity = torch.eye(3, dtype=torch.float64).expand(20, 3, 3)
    torch.testing.assert_close(rotation @ rotation.transpose(1, 2), identity)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(20, dtype=torch.float64))


def test_four_quarter_turns_lead_back_exactly():
    quarter, zero = torch.tensor([90.0], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for angles in ((quarter, zero, zero), (zero, quarter, zero), (zero, zero, quarter)):
        turned = torch.linalg.matrix_power(rotation_matrix(*angles), 4)
        torch.testing.assert_close(turned, torch.eye(3, dtype=torch.float64)[None], rtol=0, atol=1e-15)


@pytest.mark.parametrize(
    ("angles", "start", "end"),
    [
        ({"yaw": 90.0}, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
        ({"pitch": 90.0}, (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ({"roll": 90.0}, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    ],
)
def test_each_angle_turns_about_its_own_axis(angles, start, end):
    canonical = torch.tensor(start).expand(2, 5, 3)
    moved = transform_keypoints(canonical, motion_of(**angles))
    torch.testing.assert_close(moved, torch.tensor(end).expand(2, 5, 3), rtol=0, atol=1e-5)


def test_roll_acts_before_yaw_and_yaw_before_pitch():
    angle, zero = torch.tensor([30.0]), torch.zeros(1)
    apart = rotation_matrix(zero, angle, zero) @ rotation_matrix(angle, zero, zero) @ rotation_matrix(zero, zero, angle)
    torch.testing.assert_close(rotation_matrix(angle, angle, angle), apart)


def test_without_motion_the_keypoints_stay_canonical():
    canonical = torch.randn(2, 5, 3)
    torch.testing.assert_close(transform_keypoints(canonical, motion_of()), canonical, rtol=0, atol=1e-5)


def test_of_the_translation_only_y_counts_even_beside_not_a_number():
    canonical = torch.randn(2, 5, 3)
    moved = transform_keypoints(canonical, motion_of(translation=(float("nan"), 0.5, float("inf"))))
    torch.testing.assert_close(moved - canonical, torch.tensor([0.0, 0.5, 0.0]).expand(2, 5, 3), rtol=0, atol=1e-5)


def test_the_expression_is_added_after_the_turn():
    motion = motion_of(yaw=90.0)._replace(expression=torch.randn(2, 5, 3))
    moved = transform_keypoints(torch.zeros(2, 5, 3), motion)
    torch.testing.assert_close(moved, motion.expression)


def test_transforming_changes_nothing_it_was_given():
    given = [torch.randn(2, 5, 3), *(torch.randn(2, 66) for _ in range(3)), torch.randn(2, 3), torch.randn(2, 5, 3)]
    before = [tensor.clone() for tensor in given]
    transform_keypoints(given[0], FaceMotion(*given[1:]))
    assert all(torch.equal(tensor, copy) for tensor, copy in zip(given, before, strict=True))


def test_the_middle_frame_of_the_window_moves_the_face_and_so_do_both_ends():
    window = torch.randn(1, 70, 27, requires_grad=True)
    Mapping(small_sizes.MAPPING)(window).expression.square().sum().backward()
    assert (window.grad.abs().sum(dim=(0, 1)) > 0).all()


def test_each_window_is_mapped_by_itself():
    mapping, windows = Mapping(small_sizes.MAPPING), torch.randn(3, 70, 27)
    together = mapping(windows)
    for part, alone in zip(together, mapping(windows[1:2]), strict=True):
        torch.testing.assert_close(part[1:2], alone)


@pytest.mark.parametrize("shape", [(1, 70, 26), (1, 73, 27)])
def test_a_window_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=rf"a window of coefficients is \[70, 27\], not \[{shape[1]}, {shape[2]}\]"):
        Mapping(small_sizes.MAPPING)(torch.zeros(shape))

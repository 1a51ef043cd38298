import pytest
import small_sizes
import torch

from tavce.networks.headpose import HeadPoseExpression
from tavce.networks.keypoints import KeypointDetector, centres_of_mass
from tavce.networks.mapping import headpose_degrees


def test_a_sharp_heatmap_has_its_centre_where_its_peak_is():
    logits = torch.zeros(1, 1, 3, 5, 5)
    logits[0, 0, 2, 0, 3] = 1e4
    torch.testing.assert_close(centres_of_mass(logits), torch.tensor([[[0.5, -1.0, 1.0]]]))


def test_an_even_heatmap_has_its_centre_in_the_middle():
    torch.testing.assert_close(centres_of_mass(torch.zeros(2, 4, 3, 6, 6)), torch.zeros(2, 4, 3), rtol=0, atol=1e-6)


def test_keypoints_lie_inside_the_volume():
    points = KeypointDetector(small_sizes.KEYPOINT_DETECTOR)(torch.rand(2, 3, 32, 32))
    assert points.shape == (2, 5, 3)
    assert points.abs().max() <= 1


def test_keypoints_of_a_picture_do_not_depend_on_its_neighbours_in_the_batch():
    detector, pictures = KeypointDetector(small_sizes.KEYPOINT_DETECTOR).eval(), torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(detector(pictures.flip(0)), detector(pictures).flip(0))


@pytest.mark.parametrize(("shape", "name"), [((1, 3, 36, 32), "height"), ((1, 3, 32, 36), "width")])
def test_a_picture_that_does_not_halve_is_refused(shape, name):
    with pytest.raises(ValueError, match=rf"{name} of the shrunk picture must be a multiple of 4, not 18"):
        KeypointDetector(small_sizes.KEYPOINT_DETECTOR)(torch.zeros(shape))


def test_the_pose_estimator_reads_each_picture_by_itself():
    estimator, pictures = HeadPoseExpression(small_sizes.HEAD_POSE_EXPRESSION).eval(), torch.rand(3, 3, 32, 32)
    for flipped, straight in zip(estimator(pictures.flip(0)), estimator(pictures), strict=True):
        torch.testing.assert_close(flipped, straight.flip(0))


def test_a_pose_estimator_that_has_learnt_nothing_is_undecided():
    estimator = HeadPoseExpression(small_sizes.HEAD_POSE_EXPRESSION).eval()
    for parameter in estimator.head.parameters():
        torch.nn.init.zeros_(parameter)
    degrees = headpose_degrees(estimator(torch.rand(2, 3, 32, 32)).yaw)
    torch.testing.assert_close(degrees, torch.tensor([-1.5, -1.5]), rtol=0, atol=1e-4)

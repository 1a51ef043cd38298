import pytest
import small_sizes
import torch

from tavce.networks.blocks import coordinate_grid
from tavce.networks.dense_motion import DenseMotion, gaussian_heatmaps, sparse_motions, warp_by_each

VOLUME = torch.zeros(2, 6, 4, 8, 8)


def test_each_motion_brings_its_driving_keypoint_to_its_source_keypoint():
    source, driving = torch.rand(2, 3, 3), torch.rand(2, 3, 3)
    shifts = sparse_motions(source, driving, VOLUME) - coordinate_grid(4, 8, 8, VOLUME)
    for keypoint in range(3):
        moved = driving[:, keypoint] + shifts[:, keypoint + 1, 1, 2, 3]
        torch.testing.assert_close(moved, source[:, keypoint])


def test_the_first_motion_moves_nothing():
    warps = sparse_motions(torch.rand(2, 3, 3), torch.rand(2, 3, 3), VOLUME)
    assert torch.equal(warps[:, 0], coordinate_grid(4, 8, 8, VOLUME).expand(2, -1, -1, -1, -1))


def test_a_heatmap_is_one_at_its_keypoint_and_falls_off_with_the_variance():
    grid = coordinate_grid(3, 5, 5, VOLUME)
    heatmap = gaussian_heatmaps(torch.zeros(1, 1, 3), grid, variance=0.125)[0, 0]
    torch.testing.assert_close(heatmap[1, 2, 2], torch.tensor(1.0))
    torch.testing.assert_close(heatmap[1, 2, 3], torch.tensor(-0.5 * 0.25 / 0.125).exp())


def test_equal_keypoints_give_the_identity_warp_and_a_mask_that_sums_to_one():
    motion_network = DenseMotion(small_sizes.DENSE_MOTION).eval()
    keypoints = torch.rand(2, 5, 3) * 2 - 1
    motion = motion_network(torch.randn(2, 6, 4, 8, 8), keypoints, keypoints)
    identity = coordinate_grid(4, 8, 8, VOLUME).expand(2, -1, -1, -1, -1)
    torch.testing.assert_close(motion.deformation, identity, rtol=0, atol=1e-5)
    torch.testing.assert_close(motion.mask.sum(dim=1), torch.ones(2, 4, 8, 8))


def test_a_common_shift_of_all_keypoints_stays_between_no_shift_and_the_whole():
    motion_network = DenseMotion(small_sizes.DENSE_MOTION).eval()
    source = torch.rand(1, 5, 3)
    motion = motion_network(torch.randn(1, 6, 4, 8, 8), source, source - torch.tensor([0.4, 0.0, 0.0]))
    shift = motion.deformation - coordinate_grid(4, 8, 8, VOLUME)
    torch.testing.assert_close(shift[..., 0], 0.4 * (1 - motion.mask[:, 0]), rtol=0, atol=1e-5)
    assert shift[..., 1:].abs().max() < 1e-5


def test_the_corner_inclusive_grid_moves_the_volume_by_less_than_half_a_cell_and_dims_its_border():
    ramp = torch.arange(8.0).expand(1, 1, 4, 8, 8)
    identity = coordinate_grid(4, 8, 8, ramp)[None, None]
    moved = (warp_by_each(ramp, identity)[0, 0] - ramp[0])[..., 1:-1, 1:-1, 1:-1]
    assert 0.3 < moved.abs().max() < 0.5
    ones = warp_by_each(torch.ones_like(ramp), identity)[0, 0, 0]
    torch.testing.assert_close(ones[2, 0, 4], torch.tensor(0.5))
    torch.testing.assert_close(ones[2, 4, 4], torch.tensor(1.0))


def test_gradients_reach_both_sets_of_keypoints():
    source, driving = torch.rand(1, 5, 3, requires_grad=True), torch.rand(1, 5, 3, requires_grad=True)
    motion = DenseMotion(small_sizes.DENSE_MOTION)(torch.randn(1, 6, 4, 8, 8), source, driving)
    motion.deformation.square().sum().backward()
    assert (source.grad.abs() > 0).all()
    assert (driving.grad.abs() > 0).all()


def test_a_volume_that_does_not_halve_is_refused():
    keypoints = torch.zeros(1, 5, 3)
    with pytest.raises(ValueError, match="width of the hourglass' input must be a multiple of 4, not 6"):
        DenseMotion(small_sizes.DENSE_MOTION)(torch.zeros(1, 6, 4, 8, 6), keypoints, keypoints)

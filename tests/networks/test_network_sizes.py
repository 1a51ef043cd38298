"""Sizes that cannot work are refused by name and value."""

from dataclasses import replace

import pytest
import small_sizes

from tavce.networks.sizes import doubled_channels, require_halvings


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        (small_sizes.AUDIO_ENCODER, "channels"),
        (small_sizes.CORRELATION_AUDIO_ENCODER, "embedding"),
        (small_sizes.VISUAL_ENCODER, "embedding"),
        (small_sizes.MAPPING, "keypoints"),
        (small_sizes.KEYPOINT_DETECTOR, "temperature"),
        (small_sizes.DENSE_MOTION, "heatmap_variance"),
        (small_sizes.DECODER, "middle_channels"),
        (small_sizes.FACE_GENERATOR, "attention_features"),
        (small_sizes.HEAD_POSE_EXPRESSION, "stem_channels"),
        (small_sizes.DISCRIMINATOR, "blocks"),
        (small_sizes.RECONSTRUCTION, "blocks_before"),
        (small_sizes.AUDIO2EXP, "expression"),
        (small_sizes.POSE_CVAE, "latent"),
        (small_sizes.POSE_DISCRIMINATOR, "pose"),
    ],
)
def test_a_size_of_zero_is_refused_by_name(sizes, name):
    zero = tuple(0 for _ in getattr(sizes, name)) if isinstance(getattr(sizes, name), tuple) else 0
    with pytest.raises(ValueError, match=rf"{type(sizes).__name__}\.{name} must be above zero"):
        replace(sizes, **{name: zero})


def test_an_empty_list_of_widths_is_refused():
    with pytest.raises(ValueError, match=r"ReconstructionSizes\.channels must be above zero, not \(\)"):
        replace(small_sizes.RECONSTRUCTION, channels=())


@pytest.mark.parametrize(
    ("sizes", "name"), [(small_sizes.DENSE_MOTION, "kernel"), (small_sizes.MAPPING, "residual_kernel")]
)
def test_an_even_kernel_is_refused(sizes, name):
    with pytest.raises(ValueError, match=rf"{name} must be odd, not 4"):
        replace(sizes, **{name: 4})


@pytest.mark.parametrize(("extent", "halvings"), [(12, 3), (0, 1), (7, 1)])
def test_an_extent_that_leaves_a_remainder_is_refused(extent, halvings):
    with pytest.raises(ValueError, match=rf"width of it must be a multiple of {2**halvings}, not {extent}"):
        require_halvings(extent, halvings, "width of it")


def test_widths_double_until_the_largest():
    assert doubled_channels(32, 1024, 5) == (32, 64, 128, 256, 512, 1024)
    assert doubled_channels(32, 100, 3) == (32, 64, 100, 100)


@pytest.mark.parametrize(
    ("sizes", "levels"),
    [
        (small_sizes.AUDIO_ENCODER, "five"),
        (small_sizes.VISUAL_ENCODER, "four"),
        (small_sizes.POSE_DISCRIMINATOR, "three"),
    ],
)
def test_a_fixed_number_of_levels_is_asked_for(sizes, levels):
    with pytest.raises(ValueError, match=rf"channels must name {levels} levels, not \(4, 6\)"):
        replace(sizes, channels=(4, 6))


def test_the_visual_encoder_wants_a_side_that_halves_four_times():
    with pytest.raises(ValueError, match=r"VisualEncoderSizes\.input_px must be a multiple of 16, not 40"):
        replace(small_sizes.VISUAL_ENCODER, input_px=40)


def test_a_window_shorter_than_what_the_convolutions_cut_is_refused():
    assert replace(small_sizes.MAPPING, window=25).frames_left == 1
    with pytest.raises(ValueError, match=r"MappingSizes\.window of 24 frames is shorter"):
        replace(small_sizes.MAPPING, window=24)


def test_the_decoder_must_undo_what_the_generator_halves():
    with pytest.raises(ValueError, match=r"down_blocks is 3, but decoder\.up_channels doubles 2 times"):
        replace(small_sizes.FACE_GENERATOR, down_blocks=3)


def test_head_pose_levels_need_a_width_and_a_number_of_blocks_each():
    with pytest.raises(ValueError, match=r"blocks \(1,\) and channels \(8, 12\) differ in length"):
        replace(small_sizes.HEAD_POSE_EXPRESSION, blocks=(1,))


def test_head_pose_widths_must_narrow_to_a_quarter():
    with pytest.raises(ValueError, match=r"channels must be multiples of 4, not \(8, 10\)"):
        replace(small_sizes.HEAD_POSE_EXPRESSION, channels=(8, 10))


def test_pose_sequences_must_halve_with_the_unet():
    with pytest.raises(ValueError, match=r"PoseCvaeSizes\.frames must be a multiple of 4, not 10"):
        replace(small_sizes.POSE_CVAE, frames=10)

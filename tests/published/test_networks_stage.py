"""Facts about `tavce networks`: it counts what is published."""

import json

import pytest

from tavce.cli import main

PUBLISHED = {
    "visual_encoder": 14_390_528,
    "audio_encoder": 2_878_336,
    "reconstruction": 45_724_419,
    "audio2exp": 2_849_664,
    "pose_cvae": 6_329_272,
    "pose_audio_encoder": 2_812_672,
    "pose_discriminator": 2_109_953,
    "mapping": 10_195_190,
    "keypoint_detector": 41_940_047,
    "generator": 101_382_544,
    "generator_without_attention": 100_988_176,
    "head_pose_expression": 30_254_838,
    "discriminator": 2_758_849,
}


@pytest.mark.slow
def test_the_papers_networks_are_as_large_as_the_published_ones(capsys):
    assert main(["networks"]) == 0
    assert json.loads(capsys.readouterr().out) == PUBLISHED


def test_a_recipe_that_the_settings_do_not_have_is_named(capsys):
    assert main(["networks", "--metric", "other"]) == 2
    assert "--metric other is none of ['paper', 'recommended']" in capsys.readouterr().err

"""Facts about what a metric's similarity is said to follow."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_corpus import tiny_settings
from wandering import FRAMES, clip, ramp

from tavce.metric.cues import common_direction, cues

RECIPE = tiny_settings().metrics["paper"]


def test_a_deaf_metrics_similarity_is_that_of_one_direction():
    found = cues([clip(seed, voices=ramp()) for seed in range(3)], RECIPE)
    assert found["one_direction"] == pytest.approx(1)
    assert abs(cues([clip(seed) for seed in range(3)], RECIPE)["one_direction"]) < 0.6


def test_a_similarity_that_falls_with_the_change_of_pixels_is_said_to():
    """The face's first entry turns away from the voice by as much as the pixels have changed since frame 0."""
    base = clip(0, voices=np.arange(FRAMES)[:, None] * np.eye(16)[0])
    turned = np.linspace(0, 1, FRAMES) ** 2
    faces = np.stack([np.arange(FRAMES), 30 * turned], axis=1) @ np.eye(16)[:2]
    seen = replace(base, faces=faces, pixel_change=np.abs(turned[:, None] - turned))
    assert cues([seen], RECIPE)["pixels"] < -0.3


def test_a_cue_that_never_changes_has_no_correlation():
    closed = replace(clip(0), opening=np.full(FRAMES, 0.1))
    found = cues([closed], RECIPE)
    assert found["opening"] is None
    assert found["frames_apart"] is not None


def test_the_common_direction_is_that_of_most_changes_whatever_their_sign_and_length():
    random = np.random.default_rng(0)
    lengths = random.uniform(-9, 9, (50, 1))
    along = lengths * np.array([[0.6, 0.8, 0]]) + random.normal(0, 0.01, (50, 3))
    along[0] = 0
    assert abs(common_direction(along) @ [0.6, 0.8, 0]) == pytest.approx(1, abs=1e-2)

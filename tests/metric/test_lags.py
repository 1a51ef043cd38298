"""Facts about the lag between sound and picture by a metric."""

import numpy as np
import pytest
from tiny_corpus import tiny_settings
from wandering import clip, ramp

from tavce.metric.lags import MAX_LAG, best_lag, frames_needed, overlap, similarity_by_lag

RECIPE = tiny_settings().metrics["paper"]


@pytest.mark.parametrize("shift", [-15, -4, -1, 0, 3, 15])
def test_a_shift_is_found_with_its_sign(shift):
    assert best_lag(similarity_by_lag(clip(0, shift=shift), RECIPE)) == shift


def test_of_equally_good_lags_the_one_nearest_to_none_counts():
    assert best_lag({-3: 0.5, -1: 0.5, 2: 0.5}) == -1
    assert best_lag(similarity_by_lag(clip(0, voices=ramp() * 0), RECIPE)) == 0


def test_at_a_lag_the_voice_so_many_frames_earlier_meets_the_face():
    voice, face = np.arange(5), np.arange(5)
    for lag, met in ((2, ([0, 1, 2], [2, 3, 4])), (-1, ([1, 2, 3, 4], [0, 1, 2, 3])), (0, (voice, face))):
        for found, expected in zip(overlap(voice, face, lag), met, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_ten_pairs_meet_at_the_largest_lag_of_the_shortest_clip():
    frames = frames_needed(RECIPE.spacing)
    pairs = np.arange(frames - RECIPE.spacing)
    assert len(overlap(pairs, pairs, MAX_LAG)[0]) == 10

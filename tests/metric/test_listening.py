"""Facts about the check whether a metric listens."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_corpus import FRAMES as TINY_FRAMES
from tiny_corpus import tiny_settings
from wandering import FRAMES, clip, ramp

from tavce.metric.listening import GRID, frames_needed, listening

RECIPE = tiny_settings().metrics["paper"]


@pytest.fixture(scope="module")
def hearing():
    return listening([clip(seed) for seed in range(4)], RECIPE)


@pytest.fixture(scope="module")
def deaf():
    return listening([clip(seed, voices=ramp()) for seed in range(4)], RECIPE)


def test_a_metric_that_hears_everything_passes_every_check(hearing):
    numbers = hearing.numbers
    assert min(numbers["auc_audio"], numbers["auc_clip"]) > 0.99
    assert numbers["auc_time"] > 0.95
    assert numbers["auc_matched"] > 0.95
    assert 0.4 < numbers["auc_time_shuffled"] < 0.6
    assert (numbers["offset_exact"], numbers["offset_within_1"], numbers["offset_clips"]) == (4, 4, 4)
    assert numbers["health"] < 0.3
    assert numbers["still"] == 0


def test_a_deaf_metric_tells_time_from_the_faces_alone(deaf):
    numbers = deaf.numbers
    assert numbers["auc_time"] == numbers["auc_time_shuffled"]
    assert numbers["auc_matched"] == numbers["auc_matched_shuffled"]
    assert numbers["auc_audio"] == numbers["auc_clip"] == 0.5
    assert numbers["health"] == pytest.approx(1)


def test_pixels_that_wander_tell_near_frames_from_far_ones_but_not_from_those_that_differ_as_much(hearing):
    assert hearing.numbers["auc_time_pixels"] > 0.9
    assert hearing.numbers["auc_matched_pixels"] == pytest.approx(0.5, abs=0.02)
    assert 0.1 < hearing.numbers["matched"] < 1


def test_a_single_clip_has_no_other_clips_sound_and_no_intervals():
    heard = listening([clip(0)], RECIPE)
    for name in ("auc_clip", "auc_time_shuffled", "auc_matched_shuffled"):
        assert heard.numbers[name] is None
    assert heard.numbers["auc_audio"] > 0.99
    assert set(heard.intervals.values()) == {None}


def test_delayed_sound_is_told_from_sound_in_time_the_better_the_less_of_it_is_shared(deaf):
    random, unsure = np.random.default_rng(0), []
    for seed in range(4):
        whole = clip(seed)
        unsure.append(replace(whole, voices=whole.voices + random.normal(size=whole.voices.shape)))
    curve = listening(unsure, RECIPE).auc_by_delay
    assert [*curve] == [*range(1, 16)]
    assert 0.6 < curve[1] < curve[2] - 0.02  # changes over two frames, one apart, share one
    assert min(curve[delay] for delay in range(2, 16)) > 0.8
    assert set(deaf.auc_by_delay.values()) == {0.5}


def test_the_similarity_peaks_where_sound_and_picture_meet(hearing):
    means = hearing.similarity_by_lag
    assert [*means] == [*range(-15, 16)]
    assert means[0] == pytest.approx(1)
    assert max(value for lag, value in means.items() if abs(lag) > 1) < 0.3


def test_the_grid_has_a_row_for_every_spacing_and_distance(hearing):
    assert [(row["spacing"], row["distance"]) for row in hearing.grid] == [*GRID]
    assert min(row["auc_audio"] for row in hearing.grid) > 0.9


def test_faces_that_do_not_change_are_counted_and_like_nothing():
    still = clip(0)
    faces = still.faces.copy()
    faces[10:30] = faces[10]
    heard = listening([replace(still, faces=faces), clip(1)], RECIPE)
    pairs = 2 * (FRAMES - RECIPE.spacing)
    assert heard.numbers["still"] == pytest.approx((20 - RECIPE.spacing) / pairs)
    assert np.isfinite(heard.numbers["auc_audio"])


def test_a_signed_similarity_tells_a_change_from_its_opposite():
    turned = [replace(clip(seed), voices=-clip(seed).voices) for seed in range(3)]
    assert listening(turned, RECIPE).numbers["auc_audio"] > 0.99
    signed = RECIPE.model_copy(update={"signed": True})
    assert listening(turned, signed).numbers["auc_audio"] < 0.01
    assert listening([clip(seed) for seed in range(3)], signed).numbers["auc_audio"] > 0.99


def test_clips_one_frame_off_count_as_within_one():
    numbers = listening([clip(0), clip(1, shift=1), clip(2, shift=-2)], RECIPE).numbers
    assert (numbers["offset_exact"], numbers["offset_within_1"]) == (1, 2)


def test_the_shortest_clip_that_is_asked_has_an_answer_to_everything():
    shortest = frames_needed(RECIPE)
    assert shortest <= TINY_FRAMES
    whole = clip(0)
    cut = {name: value[:shortest] for name, value in vars(whole).items()}
    cut["pixel_change"] = whole.pixel_change[:shortest, :shortest]
    heard = listening([replace(whole, **cut)] * 2, RECIPE)
    assert all(value is not None for row in heard.grid for value in row.values())
    assert all(value is not None for value in heard.numbers.values())

"""Facts about intervals, tests and marks of the tables, by value and by simulation."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from tavce.evaluate.statistics import cluster_interval, holm, marks, paired_test

MOST_CLIPS = 20
SHAPES = {  # of the speakers' effects and of the clips' noise: mean 0, variance 1
    "normal": lambda draw, size: draw.standard_normal(size),
    "skewed": lambda draw, size: (
        (draw.lognormal(0, 0.5, size) - math.exp(0.125)) / math.sqrt(math.exp(0.5) - math.exp(0.25))
    ),
    "exponential": lambda draw, size: draw.exponential(1, size) - 1,
}


def made_up(draw: np.random.Generator, speakers: int, shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of clips with mean 0 and their speakers: 1 to 20 clips each, effect as large as noise."""
    clusters = np.repeat([f"s{number}" for number in range(speakers)], draw.integers(1, MOST_CLIPS + 1, speakers))
    effects = dict(zip(dict.fromkeys(clusters), SHAPES[shape](draw, speakers), strict=True))
    noise = SHAPES[shape](draw, len(clusters))
    return np.array([effects[cluster] for cluster in clusters]) + noise, clusters


def coverage(speakers: int, shape: str, repeats: int, draws: int) -> float:
    """Return the share of intervals of 95 % that hold the true mean."""
    draw = np.random.default_rng(speakers)
    found = (cluster_interval(*made_up(draw, speakers, shape), draws, 0.05, seed) for seed in range(repeats))
    return float(np.mean([interval.low <= 0 <= interval.high for interval in found]))


@pytest.mark.parametrize("shape", ["normal", "skewed"])
@pytest.mark.parametrize("speakers", [8, 20])
def test_an_interval_of_95_percent_holds_the_true_mean_so_often(speakers, shape):
    assert coverage(speakers, shape, 700, 299) == pytest.approx(0.95, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["normal", "skewed"])
@pytest.mark.parametrize(("speakers", "repeats"), [(8, 5000), (20, 2500), (40, 1500)])
def test_over_many_repetitions_the_interval_holds_the_true_mean_so_often(speakers, repeats, shape):
    assert coverage(speakers, shape, repeats, 999) == pytest.approx(0.95, abs=0.015)


def test_an_interval_is_the_mean_and_as_many_jackknife_errors_to_both_sides():
    found = cluster_interval(np.array([1.0, 2.0, 3.0, 6.0, 8.0]), ["a", "b", "c", "d", "e"], 500, 0.05, 1)
    assert (found.mean, found.clips, found.clusters) == (4.0, 5, 5)
    assert found.high - 4 == pytest.approx(4 - found.low)
    # one clip a speaker: the jackknife's error is the standard error 2.915 / √5, and |t| is above Student's 2.78
    assert 4 - found.low > 2.78 * np.std([1, 2, 3, 6, 8], ddof=1) / math.sqrt(5)


def test_speakers_are_drawn_not_clips():
    values = np.random.default_rng(3).standard_normal(12)
    once = cluster_interval(values, [*"abcdefghijkl"], 500, 0.05, 1)
    tenfold = cluster_interval(np.repeat(values, 10), np.repeat([*"abcdefghijkl"], 10), 500, 0.05, 1)
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))
    assert tenfold.clips == 120


def test_an_interval_moves_and_grows_with_its_values_and_does_not_mind_their_order():
    values, clusters = made_up(np.random.default_rng(4), 10, "skewed")
    one = cluster_interval(values, clusters, 300, 0.05, 1)
    other = cluster_interval(100 - 3 * values[::-1], clusters[::-1], 300, 0.05, 1)
    assert (other.mean, other.low, other.high) == pytest.approx(
        (100 - 3 * one.mean, 100 - 3 * one.high, 100 - 3 * one.low)
    )


@pytest.mark.parametrize(
    ("values", "clusters", "speakers"),
    [
        ([1.0, 2.0, 5.0], "aaa", "1 speaker"),
        ([1.0, 2.0, 5.0, 7.0], "aabb", "2 speakers"),
        ([0.1] * 9, "aabbccdde", "5 speakers"),
        ([0.0] * 9 + [1.0], "abcdefghij", "10 speakers"),
    ],
)
def test_speakers_that_are_too_few_or_all_alike_have_a_mean_without_an_interval(values, clusters, speakers):
    found = cluster_interval(np.array(values), [*clusters], 400, 0.05, 1)
    assert (found.mean, found.low, found.high) == (pytest.approx(np.mean(values)), None, None)
    assert found.why_no_interval.startswith(f"{speakers}, of whom too few differ")


def test_an_interval_says_nothing_of_why_it_is_not_there():
    assert cluster_interval(np.arange(6.0), [*"abcdef"], 200, 0.05, 1).why_no_interval is None


@pytest.mark.parametrize("make", [cluster_interval, paired_test])
@pytest.mark.parametrize(
    ("values", "clusters", "words"),
    [
        ([1.0, math.nan], "ab", "a value is not finite"),
        ([1.0, math.inf], "ab", "a value is not finite"),
        ([1.0], "ab", "2 speakers do not fit values of shape"),
        ([[1.0, 2.0]], "a", "1 speakers do not fit"),
        ([], "", "there is no value"),
    ],
)
def test_values_without_a_mean_over_speakers_are_refused(make, values, clusters, words):
    with pytest.raises(ValueError, match=words):
        make(np.array(values), [*clusters], 100, 0.05, 1)


def test_the_p_value_of_three_speakers_is_counted_by_hand():
    # sums 3, 1, −1: |±3 ±1 ±1| is at least 3 unless the two small ones are both against the large one: 6 of 8
    found = paired_test(np.array([1.0, 2.0, 1.0, -1.0]), [*"aabc"], 100, 0.05, 1)
    assert found.p == 6 / 8
    assert (found.difference, found.pairs, found.clusters, found.low) == (0.75, 4, 3, None)


def test_six_speakers_that_all_agree_have_the_smallest_p_value_there_is():
    assert paired_test(np.arange(1.0, 7.0), [*"abcdef"], 100, 0.05, 1).p == 2 / 2**6


def test_one_speaker_or_no_difference_proves_nothing():
    assert paired_test(np.array([1.0, 2.0, 3.0]), [*"aaa"], 100, 0.05, 1).p == 1
    assert paired_test(np.zeros(12), [*"abcdefghijkl"], 100, 0.05, 1).p == 1


def test_with_a_clip_a_speaker_the_p_value_is_that_of_scipys_permutation_test():
    differences = np.random.default_rng(2).normal(0.5, 1, 9)
    exact = stats.permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert paired_test(differences, [*"abcdefghi"], 512, 0.05, 1).p == pytest.approx(exact)
    drawn = paired_test(differences, [*"abcdefghi"], 511, 0.05, 1).p  # one pattern too many to try all
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact / 511))
    assert Fraction(drawn).limit_denominator(512).denominator in (512 // 2**power for power in range(10))


def test_where_nothing_differs_five_in_a_hundred_tests_say_that_something_does():
    draw = np.random.default_rng(7)
    tests = [paired_test(*made_up(draw, 12, "normal"), 399, 0.05, seed).p for seed in range(1200)]
    noise = math.sqrt(0.05 * 0.95 / 1200)
    assert 0.05 - 3 * noise < np.mean(np.array(tests) <= 0.05) < 0.05 + 3 * noise


def test_the_interval_of_a_difference_is_that_of_its_values():
    values, clusters = made_up(np.random.default_rng(9), 9, "normal")
    tested, interval = (make(values, clusters, 300, 0.05, 1) for make in (paired_test, cluster_interval))
    assert (tested.difference, tested.low, tested.high) == (interval.mean, interval.low, interval.high)


def test_holms_p_values_are_those_counted_by_hand():
    # sorted 0.01 ×4, 0.02 ×3 = 0.06, 0.03 ×2 = 0.06, 0.9 ×1
    assert holm([0.02, 0.9, 0.01, 0.03]) == pytest.approx([0.06, 0.9, 0.04, 0.06])
    assert holm([0.3, 0.4]) == pytest.approx([0.6, 0.6])  # the larger is never below the smaller
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("wrong", [1.5, -0.1, math.nan])
def test_what_is_no_p_value_is_refused(wrong):
    with pytest.raises(ValueError, match="is no p-value"):
        holm([0.1, wrong])


def pairs(**p: float) -> dict[frozenset[str], float]:
    """Return p-values of pairs of methods a, b, c, named by both letters."""
    return {frozenset(names): value for names, value in p.items()}


@pytest.mark.parametrize(
    ("p", "better", "expected"),
    [
        (pairs(ab=0.01, ac=0.01, bc=0.01), "higher", {"a": "best", "b": "second"}),
        (pairs(ab=0.01, ac=0.01, bc=0.01), "lower", {"c": "best", "b": "second"}),
        (pairs(ab=0.01, ac=0.01, bc=0.01), "none", {}),
        (pairs(ab=0.01, ac=0.20, bc=0.01), "higher", {"b": "second"}),
        (pairs(ab=0.20, ac=0.01, bc=0.01), "higher", {"b": "second"}),
        (pairs(ab=0.01, ac=0.01, bc=0.20), "higher", {"a": "best"}),
        (pairs(ab=0.05, ac=0.05, bc=0.05), "higher", {}),
        (pairs(ab=0.01), "higher", {"a": "best"}),
        ({}, "higher", {}),
    ],
)
def test_best_and_second_are_marked_where_they_differ_from_all_they_were_compared_with(p, better, expected):
    assert marks({"b": 2.0, "a": 3.0, "c": 1.0}, better, p, 0.05) == expected


def test_of_two_methods_none_is_second_and_of_equal_means_neither():
    assert marks({"a": 2.0, "b": 1.0}, "higher", pairs(ab=0.01), 0.05) == {"a": "best"}
    assert marks({"a": 2.0, "b": 2.0, "c": 1.0}, "higher", pairs(ab=1.0, ac=0.01, bc=0.01), 0.05) == {}
    assert marks({}, "higher", {}, 0.05) == {}

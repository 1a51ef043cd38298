"""Facts about the AUC over the pairs of several clips."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tavce.metric.auc import area, auc


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [([3, 4], [1, 2], 1), ([1, 2], [3, 4], 0), ([1, 3], [2], 0.5), ([1], [1], 0.5), ([1, 2, 3], [2, 0], 4.5 / 6)],
)
def test_the_auc_counts_the_pairs_in_the_right_order(positive, negative, expected):
    assert auc(positive, negative) == pytest.approx(expected)
    assert area([np.array(positive)], [np.array(negative)]).value == pytest.approx(expected)


def test_the_area_over_clips_is_that_of_all_their_pairs_together():
    random = np.random.default_rng(0)
    positive = [random.integers(0, 9, count) for count in (5, 30, 11)]
    negative = [random.integers(-2, 7, count) for count in (5, 20, 12)]
    values = np.concatenate([*positive, *negative])
    truth = np.repeat([1, 0], [46, 37])
    assert area(positive, negative).value == pytest.approx(roc_auc_score(truth, values))


def test_the_interval_is_as_wide_as_the_clips_differ_and_none_for_one_clip():
    random = np.random.default_rng(0)
    alike = [random.normal(1, 1, 200) for _ in range(8)]
    apart = [random.normal(mean, 1, 200) for mean in (0, 0, 0, 0, 2, 2, 2, 2)]
    noise = [random.normal(0, 1, 200) for _ in range(8)]
    widths = []
    for positive in (alike, apart):
        found = area(positive, noise)
        low, high = found.interval
        assert low < found.value < high
        widths.append(high - low)
    assert widths[1] > 3 * widths[0]
    assert area(alike[:1], noise[:1]).interval is None


def test_the_interval_is_the_same_every_time():
    random = np.random.default_rng(0)
    positive, negative = random.normal(0.5, 1, (2, 6, 40))
    assert area(positive, negative) == area(positive, negative)


def test_without_any_pair_there_is_no_area():
    assert area([np.array([]), np.array([])], [np.array([]), np.array([])]) is None

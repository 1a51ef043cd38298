"""Facts about the costs that are computed from times."""

import pytest
from fitting import best_fit, costs_of_two

GIVEN = [[1, 1, 10], [1, 8, 80], [1, 20, 60]]


def test_costs_that_explain_the_times_are_found():
    took = [3 + 0.5 * clips + 0.2 * seconds for _, clips, seconds in GIVEN]
    costs = best_fit(GIVEN, took, ("job_s", "clip_s", "second_s"))
    assert costs == pytest.approx({"job_s": 3, "clip_s": 0.5, "second_s": 0.2})


def test_no_cost_is_below_zero():
    assert best_fit(GIVEN, [10, 9, 8], ("job_s", "clip_s", "second_s"))["second_s"] == 0
    assert costs_of_two({1: 5.0, 100: 4.0}) == {"job_s": 5, "clip_s": 0}


def test_two_times_give_a_start_and_a_clip():
    assert costs_of_two({101: 24.0, 1: 4.0}) == pytest.approx({"job_s": 3.8, "clip_s": 0.2})

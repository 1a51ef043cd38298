"""Facts about the lines that `make bench` writes."""

import json

import pytest
from measurement import Measurement, median_ratio


@pytest.mark.parametrize(
    ("measurement", "goal", "reached"),
    [
        (Measurement("speed", 40, "frames/s", at_least=40), ">= 40", True),
        (Measurement("speed", 39.9, "frames/s", at_least=40), ">= 40", False),
        (Measurement("time", 3, "s", at_most=3), "<= 3", True),
        (Measurement("time", 3.01, "s", at_most=3), "<= 3", False),
    ],
)
def test_a_goal_is_reached_up_to_its_bound(measurement, goal, reached):
    line = json.loads(measurement.line())
    assert (line["goal"], line["ok"], measurement.reached) == (goal, reached, reached)


def test_a_measurement_without_a_goal_makes_no_claim():
    line = Measurement("time", 1.23456, "s").line()
    assert json.loads(line) == {"name": "time", "value": 1.235, "unit": "s", "goal": None}


def test_a_ratio_is_that_of_neighbouring_figures():
    assert median_ratio([1, 20, 3], [1, 10, 1]) == 2

"""Facts about how changed params are told."""

import pytest

from tavce.rerun.changes import LONGEST, changed_params

UNION = "Union of exclusive params before and now across all output: "


def told(before: str, now: str, *wildcards: str) -> list[str]:
    return changed_params(f"{UNION}before: {before} now: {now} ", wildcards)


def test_a_changed_setting_is_named_by_its_path_with_both_values():
    before, now = '{"crop":{"margin":0.25,"size_px":64}}', '{"crop":{"margin":0.3,"size_px":64}}'
    assert told(repr(before), repr(now)) == ["the setting crop.margin changed (0.25 -> 0.3)"]


def test_a_setting_of_a_recipe_or_variant_is_named_as_the_user_writes_it():
    before, now = '{"renderer":{"weights":{"rhythm":1}}}', '{"renderer":{"weights":{"rhythm":2}}}'
    named = ["the setting renderers.ours.weights.rhythm changed (1 -> 2)"]
    assert told(repr(before), repr(now), "ours") == named
    assert told(repr(before), repr(now), "ours-2025") == named


def test_a_row_of_the_tables_that_is_new_was_none_before():
    before, now = '{"ours":"TAVCE"}', '{"ours":"TAVCE","static":"Static"}'
    assert told(repr(before), repr(now)) == ['the setting methods.static changed (none -> "Static")']


@pytest.mark.parametrize(("before", "now"), [("1", "7"), ("[1, 1, 2]", "[1, 7, 2]")])
def test_a_raised_version_is_told_alone_or_among_others(before, now):
    assert told(before, now) == ["a stage's version was raised (1 -> 7)"]


def test_settings_and_a_version_are_told_one_by_one():
    before, now = """1,'{"mel":{"fft":800}}'""", """'{"mel":{"fft":512}}',2"""
    assert told(before, now) == ["the setting mel.fft changed (800 -> 512)", "a stage's version was raised (1 -> 2)"]


def test_other_values_are_shown_as_they_are():
    assert told("['mine']", "['mine', 'theirs']") == ["it is about others (mine -> mine, theirs)"]


def test_a_side_may_be_empty():
    assert told("<nothing exclusive>", "'b'") == ["it is about others (none -> b)"]


def test_the_same_settings_in_another_order_are_told_without_a_name():
    assert told("""'{"a":{"x":1,"y":2}}'""", """'{"a":{"y":2,"x":1}}'""") == ["its params changed"]


def test_a_long_value_is_cut():
    before, now = """'{"a":{"x":"%s"}}'""" % ("u" * 99), """'{"a":{"x":"v"}}'"""
    (phrase,) = told(before, now)
    assert phrase == f'the setting a.x changed ("{"u" * (LONGEST - 1)}… -> "v")'

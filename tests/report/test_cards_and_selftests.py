"""Facts about what the page says of datasets, self-tests, scores and the environment."""

import pytest
from toy_report import NO_WEIGHTS, score_row, toy_table, write_card, write_selftest

from tavce.evaluate.table import Cell
from tavce.files import read_json, write_json
from tavce.records import InputError
from tavce.report import datasets, scores, selftests
from tavce.report.environment import environment


def test_a_card_tells_size_survival_drops_values_and_digests(tmp_path):
    (card,) = datasets.read_cards([write_card(tmp_path)])
    assert datasets.size(card).lines[0] == ["annotated, usable", "13", "0.5", "-", "9"]
    assert datasets.survival(card).lines == [["exists", "8", "12"], ["gone", "1", "-"]]
    assert datasets.dropped(card).lines == [["sheet", "too_short", "1"], ["detect", "no_face", "1"]]
    assert datasets.quantiles(card).lines == [["seconds", "1.0", "2.5", "9.0"]]
    assert ["train: kept clips", "b" * 64] in datasets.identity(card).lines


def test_a_json_that_is_no_card_says_what_it_lacks(tmp_path):
    card = read_json(write_card(tmp_path))
    del card["survival"]
    write_json(tmp_path / "card.json", card)
    with pytest.raises(InputError, match=r"card\.json is no card\.json: it lacks survival"):
        datasets.read_cards([tmp_path / "card.json"])


def test_failed_checks_come_first_and_those_not_asked_last(tmp_path):
    (result,) = selftests.read_selftests([write_selftest(tmp_path, passed=False)])
    assert [line[:2] for line in selftests.checks(result).lines] == [
        ["PSNR", "FAILED"],
        ["SSIM", "passed"],
        ["LPIPS", "not asked"],
    ]
    assert selftests.checks(result).lines[0][4] == "40, 20.12"
    assert selftests.counts(result) == "1 passed, 1 FAILED, 1 not asked"
    assert selftests.failures([result]) == ["on toy_set these metrics fail their self-test: PSNR"]


def test_a_json_that_is_no_self_test_is_named(tmp_path):
    write_json(tmp_path / "a.json", {"dataset": "a"})
    with pytest.raises(InputError, match=r"a\.json is no result of selftest"):
        selftests.read_selftests([tmp_path / "a.json"])


def test_versions_are_counted_where_runs_differ(tmp_path):
    (tmp_path / "constraints.txt").write_text("torch==2\n")
    runs = [{"git_commit": "a" * 40, "python": "3.11", "versions": {"torch": "2", "av": None}}] * 2
    runs.append({"git_commit": "a" * 40, "versions": {"torch": "3"}})
    lines = dict(environment(runs, tmp_path / "constraints.txt").lines)
    digest = lines.pop("envs/constraints.txt of the page's code")
    assert lines == {"commit": "a" * 12, "python": "3.11", "torch": "2 (2 runs), 3 (1 run)", "av": "not installed"}
    assert digest.startswith("SHA-256 ")


def test_numbers_have_a_true_minus_and_intervals_brackets():
    cell = Cell(value=-0.5, low=-1.25, high=0.2, sd_subsets=0.125, n=500, seed_values=(-0.5, None))
    assert scores.number(cell.value, 2) == "−0.50"
    assert scores.interval(cell, 2) == "[−1.25, 0.20]"
    assert scores.spread(cell, 2) == "±\u00a00.12"
    assert scores.count(cell) == "500"
    assert scores.interval(Cell(value=1.0), 2) == scores.spread(Cell(value=1.0), 2) == scores.count(Cell()) == ""


def test_an_identity_may_break_after_dots_and_slashes():
    assert scores.pieces("lmd.facemesh48-67.iod/1") == ["lmd.", "facemesh48-67.", "iod/", "1"]


def test_an_address_within_a_text_ends_before_its_comma():
    address = "https://example.org/a?b=1"
    assert scores.linked(f"see {address}, table 2") == [("see ", None), (address, address), (", table 2", None)]


def test_metrics_without_any_number_are_told_by_reason():
    table = toy_table({"tavce": [score_row("tavce", "clip_0", 0)]}, {"tavce": "T"})
    assert scores.unmeasured(table)[f"no clip has a number: {NO_WEIGHTS}"][:3] == ["LPIPS", "CPBD", "FID"]
    assert [column.name for column in scores.definitions([table, table])] == [*table.rows[0].cells]

"""Facts about the funnel's table, by value."""

import csv
import json

import pytest

from tavce.cli import main
from tavce.evaluate.funnel_table import read_funnel
from tavce.files import write_json
from tavce.records import InputError

FUNNEL = {
    "toy_set": {
        "detect": {
            "test": {"total": 4, "kept": 3, "dropped": {"no_face": 1}},
            "train": {"total": 9, "kept": 6, "dropped": {"no_face": 1, "too_short": 2}},
        },
        "sheet": {"test": {"total": 4, "kept": 4, "dropped": {}}, "train": {"total": 9, "kept": 9, "dropped": {}}},
    }
}


@pytest.fixture
def written(tmp_path):
    """What the command makes of a funnel of two stages, by form."""
    write_json(tmp_path / "funnel.json", FUNNEL)
    paths = {form: tmp_path / f"table.{form}" for form in ("json", "md", "csv", "tex")}
    assert main(["funnel_table", "--funnel", str(tmp_path / "funnel.json"), "--out", *map(str, paths.values())]) == 0
    return {form: path.read_text(encoding="utf-8") for form, path in paths.items()}


def test_a_row_is_a_stage_in_the_order_of_the_stages_with_drops_of_all_splits(written):
    rows = [line for line in written["md"].splitlines() if line.startswith("| toy")]
    assert rows == [
        r"| toy\_set | sheet | 9 of 9 | - | 4 of 4 | none |",
        r"| toy\_set | detect | 6 of 9 | - | 3 of 4 | no\_face 2, too\_short 2 |",
    ]
    assert r"toy\_set & detect & 6 of 9 & - & 3 of 4 & no\_face 2, too\_short 2 \\" in written["tex"]


def test_the_csv_has_a_line_for_every_split_and_the_json_all_of_it(written):
    lines = list(csv.reader(written["csv"].splitlines()))
    assert lines[0] == ["dataset", "stage", "split", "total", "kept", "dropped"]
    assert ["toy_set", "detect", "train", "9", "6", '{"no_face": 1, "too_short": 2}'] in lines
    rows = json.loads(written["json"])["rows"]
    assert {row["stage"]: row["splits"] for row in rows} == FUNNEL["toy_set"]


def test_a_file_that_is_no_funnel_is_refused(tmp_path):
    write_json(tmp_path / "funnel.json", {"toy_set": {"detect": {"test": {"kept": 3}}}})
    with pytest.raises(InputError, match=r"is no funnel\.json: rerun the stage funnel"):
        read_funnel(tmp_path / "funnel.json")

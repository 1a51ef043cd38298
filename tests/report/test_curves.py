import xml.etree.ElementTree

import pytest

from tavce.records import InputError
from tavce.report.curves import charts, read_history, thin


def points(svg: str) -> dict[str, list[tuple[float, float]]]:
    """Return the lines of a chart by class, px from the top left."""
    found = xml.etree.ElementTree.fromstring(svg).findall("polyline")
    return {
        line.get("class"): [tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in found
    }


def test_a_falling_loss_goes_down_the_page_from_corner_to_corner():
    (chart,) = charts([{"step": 0, "loss": 4.0}, {"step": 5, "loss": 3.0}, {"step": 10, "loss": 2.0}])
    assert points(chart.svg) == {"training": [(48, 10), (170, 70), (292, 130)]}
    assert chart.words == "training: 2 at step 10"


def test_validation_shares_the_chart_and_its_scale():
    (chart,) = charts([{"step": 0, "loss": 4.0}, {"step": 10, "loss": 2.0}, {"step": 10, "val_loss": 3.0}])
    lines = points(chart.svg)
    assert lines["validation"] == [(292, 70)]
    assert lines["training"] == [(48, 10), (292, 130)]


def test_null_and_lone_numbers_are_not_drawn():
    assert charts([{"step": 0, "loss": None, "rate": 1.0}, {"step": 1, "loss": 2.0}]) == []


def test_a_name_cannot_break_the_drawing():
    (chart,) = charts([{"step": 0, 'a<"b': 1.0}, {"step": 1, 'a<"b': 1.0}])
    assert xml.etree.ElementTree.fromstring(chart.svg).get("aria-label") == 'a<"b: training: 1 at step 1'


def test_long_histories_are_averaged_in_groups():
    line = [(float(step), float(step % 2)) for step in range(1000)]
    thinned = thin(line, 100)
    assert len(thinned) == 100
    assert thinned[0] == (4.5, 0.5)


def test_a_history_is_read_line_by_line(tmp_path):
    (tmp_path / "history.jsonl").write_text('{"step": 1, "loss": 2}\n{"step": 2, "val_loss": 3}\n')
    assert read_history(tmp_path / "history.jsonl") == [{"step": 1, "loss": 2}, {"step": 2, "val_loss": 3}]


@pytest.mark.parametrize(("line", "complaint"), [("{", "line 2 is not JSON"), ('{"loss": 1}', "line 2 has no step")])
def test_a_line_that_cannot_be_read_is_named(tmp_path, line, complaint):
    (tmp_path / "history.jsonl").write_text('{"step": 1}\n' + line + "\n")
    with pytest.raises(InputError, match=complaint):
        read_history(tmp_path / "history.jsonl")

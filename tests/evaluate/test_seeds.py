"""Facts about cells over several seeds, by value."""

import csv
import math

import pytest
from toy_report import SPEAKERS, score_row

from tavce.evaluate.seeds import Cell, in_words, label_of
from tavce.evaluate.tables import make_table, to_csv, to_latex, to_markdown
from tavce.measure.metrics import METRICS
from tavce.measure.rows import Mean, ScoreRow
from tavce.report import sections
from tavce.report.report import side_by_side

METRIC = {metric.name: metric for metric in METRICS}
LABELS = {"ours": "Ours", "static": "Still"}


def seed_rows(run: str, more_db: float, lost: int = 0) -> list[ScoreRow]:
    """Return four rows of a run, PSNR 30 to 33 dB and `more_db`, of which the first `lost` have no PSNR."""
    rows = [score_row(run, clip_id, place) for place, clip_id in enumerate(SPEAKERS)]
    numbers = [None if place < lost else row.metrics["psnr"] + more_db for place, row in enumerate(rows)]
    return [
        row.model_copy(
            update={
                "metrics": {**row.metrics, "psnr": number},
                "reasons": {} if number is not None else {"psnr": "no frame"},
            }
        )
        for row, number in zip(rows, numbers, strict=True)
    ]


def three_seeds() -> list[ScoreRow]:
    """Return rows of three seeds, whose mean PSNR is 31.5, 32.5 and 34.5 dB, and of a method without seeds."""
    seeds = zip(("ours-2025", "ours", "ours-2026"), (1, 0, 3), strict=True)
    return [row for run, more_db in seeds for row in seed_rows(run, more_db)] + seed_rows("static", 0)


def cells(rows: list[ScoreRow]) -> dict[tuple[str, str], dict[str, str]]:
    """Return the lines of the csv by method and metric."""
    lines = csv.DictReader(to_csv(make_table("toy_set", rows, LABELS)).splitlines())
    return {(line["method"], line["metric"]): line for line in lines}


def test_a_cell_is_the_mean_of_the_seeds_means_with_their_sample_standard_deviation():
    cell = Cell((Mean(31.5, 4), Mean(32.5, 4), Mean(34.5, 4)))
    assert cell.value == pytest.approx(98.5 / 3)
    assert cell.sd == pytest.approx(math.sqrt((16 + 1 + 25) / 9 / 2))  # deviations −4/3, −1/3, 5/3
    assert in_words(METRIC["psnr"], cell.value, cell.sd, cell.clips) == "32.83 ± 1.53 (n=4×3)"


def test_a_seed_with_few_clips_counts_as_much_as_one_with_many():
    cell = Cell((Mean(1.0, 1), Mean(3.0, 99)))
    assert (cell.value, cell.n) == (2.0, 1)
    assert in_words(METRIC["ssim"], cell.value, cell.sd, cell.clips) == "2.000 ± 1.414 (n=1–99×2)"


def test_a_seed_without_a_number_is_told_and_counts_for_nothing():
    cell = Cell((Mean(1.0, 4), Mean(None, 0), Mean(2.0, 4)))
    assert (cell.value, cell.sd, cell.n) == (1.5, pytest.approx(math.sqrt(0.5)), 4)
    assert in_words(METRIC["ssim"], cell.value, cell.sd, cell.clips) == "1.500 ± 0.707 (n=4×2 of 3)"
    lone = Cell((Mean(None, 0), Mean(2.0, 4)))
    assert in_words(METRIC["ssim"], lone.value, lone.sd, lone.clips) == "2.000 (n=4×1 of 2)"


def test_one_seed_has_no_spread_and_none_with_a_number_no_mean():
    one, none = Cell((Mean(2.0, 4),)), Cell((Mean(None, 0), Mean(None, 0)))
    assert (one.sd, in_words(METRIC["ssim"], one.value, one.sd, one.clips)) == (None, "2.000 (n=4)")
    assert (none.sd, none.n, in_words(METRIC["ssim"], none.value, none.sd, none.clips)) == (None, 0, "-")


def test_the_csv_has_mean_spread_seeds_and_what_every_seed_gave():
    psnr = cells(three_seeds())["ours", "psnr"]
    assert (psnr["mean"], psnr["sd_seeds"], psnr["seeds"], psnr["n"]) == ("32.8333", "1.52753", "3", "4")
    assert (psnr["runs"], psnr["seed_means"], psnr["seed_n"]) == ("ours ours-2025 ours-2026", "31.5 32.5 34.5", "4 4 4")


def test_the_csv_tells_a_seed_that_gave_nothing():
    rows = [*seed_rows("ours", 0, lost=1), *seed_rows("ours-2025", 0, lost=4)]
    psnr = cells(rows)["ours", "psnr"]
    assert (psnr["mean"], psnr["sd_seeds"], psnr["seeds"], psnr["n"]) == ("32", "", "1", "3")
    assert (psnr["seed_means"], psnr["seed_n"]) == ("32 -", "3 0")


def test_markdown_and_latex_show_the_spread_and_say_what_it_is():
    table = make_table("toy_set", three_seeds(), LABELS)
    markdown, latex = to_markdown(table), to_latex(table)
    assert "| Ours | 32.83 ± 1.53 (n=4×3) |" in markdown
    assert "| Still | 31.50 (n=4) |" in markdown
    assert r"Ours & 32.83 $\pm$ 1.53 (n=4$\times$3) & " in latex
    for text in (markdown, latex):
        assert "mean over the seeds of each seed's mean" in text


def test_without_further_seeds_nothing_is_said_of_seeds():
    table = make_table("toy_set", seed_rows("ours", 0), LABELS)
    assert "seed" not in to_markdown(table) + to_latex(table)


def test_the_report_reads_the_same_cells(tmp_path):
    rows = [*three_seeds(), *seed_rows("ours-2027", 0, lost=4)]
    table = make_table("toy_set", rows, LABELS)
    (tmp_path / "toy.csv").write_text(to_csv(table), encoding="utf-8")
    _, grid = sections.read_table(tmp_path / "toy.csv")
    assert grid.lines[0][1] == "32.83 ± 1.53 (n=4×3 of 4)"
    assert [line[:-1] for line in grid.lines] == [line.texts[:-1] for line in table.lines]


def test_the_first_seeds_videos_are_shown_side_by_side():
    shown = side_by_side(three_seeds(), LABELS)
    assert [take.video for take in shown[0].takes] == ["toy_set/ours/clip_0.mp4", "toy_set/static/clip_0.mp4"]


def test_a_seed_is_named_where_its_numbers_are_missing():
    grid = sections.missing_numbers(seed_rows("ours-2025", 0, lost=3), LABELS)
    assert grid.lines == [["Ours, seed 2025", "PSNR", "no frame", "3"]]
    assert label_of("ours", LABELS) == "Ours"

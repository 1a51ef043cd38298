"""Facts about cells over several seeds, by value."""

import math

import pytest
from toy_scores import ASK, rows_of, tables_of

from tavce.evaluate.cells import measured_cell
from tavce.evaluate.compare import Comparer
from tavce.evaluate.latex import to_latex
from tavce.evaluate.markdown import to_markdown
from tavce.evaluate.seeds import in_words, label_of, mean_and_sd
from tavce.evaluate.table import Cell, Column
from tavce.evaluate.values import values_of
from tavce.measure.metrics import METRIC
from tavce.measure.rows import ScoreRow

PSNR, SSIM = Column.of(METRIC["psnr"]), Column.of(METRIC["ssim"])
SPEAKERS = ("ann", "ann", "bob", "bob")
LABELS = {"ours": "Ours", "static": "Still"}


def three_seeds() -> list[ScoreRow]:
    """Return rows of three seeds, whose mean PSNR is 31.5, 32.5 and 34.5 dB, and of a method without seeds."""
    more_db = {"ours": 0, "ours-2025": 1, "ours-2026": 3, "static": 0}
    return [
        row
        for run, more in more_db.items()
        for row in rows_of(run, SPEAKERS, psnr=[30 + more, 31 + more, 32 + more, 33 + more])
    ]


def cell_of(*seeds: list[float | None]) -> Cell:
    """Return the cell of SSIM, of these numbers by seed; a seed needs two clips."""
    most = max(map(len, seeds))
    rows = [rows_of("ours", [f"s{k}" for k in range(len(numbers))], ssim=numbers) for numbers in seeds]
    speakers = {f"clip_{k}": f"s{k}" for k in range(most)}
    return measured_cell(values_of(METRIC["ssim"], rows, ASK.min_clips), Comparer(ASK, speakers))


def test_a_cell_is_the_mean_of_the_seeds_means_with_their_sample_standard_deviation(tmp_path):
    comparison, _ = tables_of(tmp_path, three_seeds(), LABELS)
    cell = comparison.rows[0].cells["psnr"]
    assert cell.value == pytest.approx(98.5 / 3)
    assert cell.sd_seeds == pytest.approx(math.sqrt((16 + 1 + 25) / 9 / 2))  # deviations −4/3, −1/3, 5/3
    assert (cell.seed_values, cell.seed_n, cell.n) == ((31.5, 32.5, 34.5), (4, 4, 4), 4)
    assert in_words(PSNR, cell) == "32.83 ± 1.53 n=4×3"


def test_the_interval_and_the_test_are_on_the_mean_over_seeds_of_every_clip(tmp_path):
    seeds, _ = tables_of(tmp_path, three_seeds(), LABELS)
    means = [30 + 4 / 3, 31 + 4 / 3, 32 + 4 / 3, 33 + 4 / 3]  # of 0, 1 and 3 dB more
    rows = rows_of("ours", SPEAKERS, psnr=means) + rows_of("static", SPEAKERS, psnr=[30, 31, 32, 33])
    one, _ = tables_of(tmp_path, rows, LABELS)
    for method, name in ((0, "low"), (0, "high"), (1, "against_baseline")):
        found, expected = (getattr(table.rows[method].cells["psnr"], name) for table in (seeds, one))
        assert found == expected or found == pytest.approx(expected)
    assert seeds.rows[1].cells["psnr"].against_baseline.difference == pytest.approx(-4 / 3)


def test_a_seed_with_few_clips_counts_as_much_as_one_with_many():
    cell = cell_of([1.0, 1.0], [3.0] * 9)
    assert (cell.value, cell.n, cell.dropped) == (2.0, 2, 0)
    assert in_words(SSIM, cell) == "2.000 ± 1.414 n=2–9×2"


def test_a_seed_with_fewer_clips_than_a_cell_needs_is_told_and_counts_for_nothing():
    cell = cell_of([1.0, 1.0], [7.0, None], [2.0, 2.0])
    assert (cell.value, cell.sd_seeds) == (1.5, pytest.approx(math.sqrt(0.5)))
    assert (cell.seed_values, cell.seed_n) == ((1.0, None, 2.0), (2, 1, 2))
    assert (cell.dropped, cell.missing) == (1, {"no face": 1})
    assert in_words(SSIM, cell) == "1.500 ± 0.707 n=2×2 of 3 (1 lost)"
    assert in_words(SSIM, cell_of([None, None], [2.0, 2.0])) == "2.000 n=2×1 of 2 (2 lost)"


def test_one_seed_has_no_spread_and_none_that_counts_no_mean():
    assert mean_and_sd([2.0]) == (2.0, None)
    assert mean_and_sd([None, None]) == (None, None)
    none = cell_of([None, None], [None, None])
    assert (none.n, none.why_no_value, in_words(SSIM, none)) == (0, "no clip has a number: no face", "- (2 lost)")


def test_markdown_and_latex_show_the_spread_and_say_what_it_is(tmp_path):
    table, _ = tables_of(tmp_path, three_seeds(), LABELS)
    markdown, latex = to_markdown(table), to_latex(table)
    assert "| Ours | 32.83 ± 1.53 n=4×3 | 0 of 4 |" in markdown
    assert r"Ours & {32.83} & 0 of 4 \\" in latex
    assert r" & {\scriptsize $\pm$ 1.53 n=4$\times$3} &  \\" in latex
    for text in (markdown, latex):
        assert "mean over the seeds of each seed's mean" in text


def test_without_further_seeds_nothing_is_said_of_seeds(tmp_path):
    table, _ = tables_of(tmp_path, rows_of("ours", SPEAKERS, psnr=[30, 31, 32, 33]), {"ours": "Ours"})
    assert "seed" not in to_markdown(table) + to_latex(table)


def test_a_run_has_its_methods_label_and_its_seed():
    assert label_of("ours-2025", LABELS) == "Ours, seed 2025"
    assert label_of("ours", LABELS) == "Ours"

"""Facts about methods whose faults are known, from their videos alone: real ones, shifted, blurred and held."""

from collections.abc import Callable
from pathlib import Path

import other_methods
import pytest
from talking_portrait import Corpus, record

from tavce.measure import score
from tavce.measure.rows import ScoreRow, read_scores
from tavce.records import write_lines


def scored(corpus: Corpus, method: str, make: Callable[[Path, Path], None]) -> list[ScoreRow]:
    """Return the scores of the miniature dataset's videos, changed by a function."""
    made = corpus.root / "synthesise/toy"
    make(made / "copy", made / method)
    write_lines(made / f"{method}.jsonl", [record("a"), record("b")])
    arguments = corpus.arguments(method)
    score.run(arguments)
    return read_scores(arguments.scores)


@pytest.fixture(scope="module")
def real(corpus) -> list[ScoreRow]:
    return scored(corpus, "real", lambda source, out: other_methods.shifted(source, out, 0))


def test_late_sound_moves_the_offset_by_its_frames_and_leaves_the_picture(corpus, real):
    late = scored(corpus, "late", lambda source, out: other_methods.shifted(source, out, 4))
    for row, before in zip(late, real, strict=True):
        assert row.metrics["av_offset"] - before.metrics["av_offset"] == -4
        assert row.metrics["psnr"] == pytest.approx(before.metrics["psnr"], abs=0.01)
        assert row.metrics["av_corr"] < before.metrics["av_corr"] - 0.3


def test_blur_costs_sharpness_and_likeness(corpus, real):
    for row, before in zip(scored(corpus, "blurred", other_methods.blurred), real, strict=True):
        for name in ("psnr", "ssim", "cpbd"):
            assert row.metrics[name] < 0.95 * before.metrics[name]


def test_a_held_frame_has_no_lip_sync_and_no_turning_head(corpus, real):
    for row in scored(corpus, "held", other_methods.static):
        assert row.metrics["av_corr"] is None
        assert row.reasons["av_corr"].startswith("the mouth does not move")
        assert row.metrics["pose_diversity"] < 0.1

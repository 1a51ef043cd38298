"""Facts about LPIPS as a metric of a clip: with VGG-16 made by a rule, and the published weights of its channels."""

import importlib.util

import cv2
import numpy as np
import published_layouts as layouts
import pytest
import skimage.data
import torch

from tavce import weights
from tavce.config import paper
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.measurements import Measurements
from tavce.measure.perceptual import BATCH, LpipsGroup, lpips
from tavce.measure.spoil import STRENGTHS, spoil
from tavce.records import InputError

PORTRAIT = cv2.resize(skimage.data.astronaut()[:256, 96:352], (48, 48), interpolation=cv2.INTER_AREA)
SETUP = Setup(paper().score, paper().window, paper().mel, 48, "cpu")
needs_package = pytest.mark.skipif(importlib.util.find_spec("lpips") is None, reason="no lpips package")


@pytest.fixture(scope="module")
def state() -> layouts.State:
    return layouts.numbers(layouts.vgg16(), 1)


@pytest.fixture(scope="module")
def placed(tmp_path_factory, state):
    """A folder of weights with a VGG-16 that nobody published."""
    folder = tmp_path_factory.mktemp("weights")
    known = {**weights.table(), "vgg16": weights.table()["vgg16"].model_copy(update={"sha256": None})}
    torch.save(state, folder / known["vgg16"].file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "table", lambda: known)
        patch.setattr(weights, "FOLDER", folder)
        yield folder


@pytest.fixture(scope="module")
def group(placed) -> LpipsGroup:
    return LpipsGroup(SETUP)


def clip_of(made: list[np.ndarray], real: list[np.ndarray]) -> Clip:
    silence = Sound(None, "silent")
    return Clip("a", made, real, 48, silence, silence, paper().score)


def measured_by(group: LpipsGroup, clip: Clip) -> Measurements:
    measured = Measurements()
    group.measure(clip, measured)
    return measured


@needs_package
def test_a_clip_scores_the_mean_of_the_published_formula_over_its_frames(group, state):
    """More frames than a batch holds, and a last batch that is not full."""
    random = np.random.default_rng(0)
    made, real = ([*random.integers(0, 256, (BATCH + 1, 32, 32, 3), np.uint8)] for _ in range(2))
    learnt = torch.load(weights.path_of("lpips_vgg"), map_location="cpu", weights_only=True)
    one, other = (torch.tensor(np.stack(some)).permute(0, 3, 1, 2) / 127.5 - 1 for some in (made, real))
    with torch.inference_mode():
        expected = layouts.lpips(state, learnt, one, other).mean().item()
    assert measured_by(group, clip_of(made, real)).metrics["lpips"] == pytest.approx(expected, rel=1e-5)


@needs_package
def test_it_is_zero_for_identical_frames_and_grows_with_what_spoils_them(group):
    for how, strengths in STRENGTHS.items():
        made = [[PORTRAIT], *([spoil(PORTRAIT, how, strength)] for strength in strengths)]
        values = [measured_by(group, clip_of(frames, [PORTRAIT])).metrics["lpips"] for frames in made]
        assert values[0] == 0
        assert values == sorted({*values})


@needs_package
def test_frames_that_only_one_of_the_videos_has_are_left_out(group):
    blurred = spoil(PORTRAIT, "blur", 3)
    longer = measured_by(group, clip_of([blurred, PORTRAIT], [PORTRAIT])).metrics["lpips"]
    assert longer == measured_by(group, clip_of([blurred], [PORTRAIT])).metrics["lpips"]


@needs_package
@pytest.mark.parametrize(("frames", "reason"), [(0, "no frame to compare"), (1, "frames of 40 × 15 px are too small")])
def test_what_has_no_features_has_a_reason(group, frames, reason):
    tiny = [PORTRAIT[:15, :40]] * frames
    assert measured_by(group, clip_of(tiny, tiny)).reasons["lpips"].startswith(reason)


def test_clips_of_different_length_are_a_mistake():
    with pytest.raises(ValueError, match="1 and 2 frames"):
        lpips(torch.nn.Identity(), [PORTRAIT], [PORTRAIT] * 2)


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("vgg16", ".venv/bin/tavce fetch vgg16"),
        ("lpips_vgg", ".venv/bin/pip install --no-deps lpips==0.1.4"),
    ],
)
def test_missing_weights_are_a_reason_that_ends_in_what_fetches_them(placed, monkeypatch, missing, command):
    nowhere = weights.table()[missing].model_copy(update={"file": "nowhere.pth"})
    with_all = LpipsGroup(SETUP).depends()
    known = {**weights.table(), missing: nowhere}
    monkeypatch.setattr(weights, "table", lambda: known)
    group = LpipsGroup(SETUP)
    measured = measured_by(group, clip_of([PORTRAIT], [PORTRAIT]))
    assert measured.metrics == {"lpips": None}
    assert measured.reasons["lpips"] == f"the weights {missing} are not there: {command}"
    assert group.depends() != with_all


def test_a_file_that_was_not_published_is_refused(placed, monkeypatch):
    known = {**weights.table(), "vgg16": weights.table()["vgg16"].model_copy(update={"sha256": "397923af"})}
    monkeypatch.setattr(weights, "table", lambda: known)
    with pytest.raises(InputError, match="is not the published vgg16"):
        LpipsGroup(SETUP)

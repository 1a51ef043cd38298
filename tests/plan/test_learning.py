"""Facts about the shape of networks: what changes the operations of a training step, and what does not."""

import pytest
import yaml

from tavce.config import PAPER, load, load_files, merge
from tavce.plan import costs
from tavce.plan.learning import networks
from tavce.training.loop import steps_per_epoch


def shapes(**changes: object) -> dict[tuple[str, str], str]:
    settings = load(merge(yaml.safe_load(PAPER.read_text(encoding="utf-8")), changes))
    return {network.key: network.shape for network in networks(dict(settings))}


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"metrics": {"paper": {"margin": 0.1, "mouth_px": 64, "training": {"epochs": 3}}}}, set()),
        ({"renderers": {"ours": {"weights": {"l1": 5}, "mapping_rate": 1e-3}}}, set()),
        ({"renderers": {"ours": {"networks": {"estimator": {"stem_channels": 32}}}}}, set()),
        (
            {"renderers": {"ours": {"weights": {"expression": 5}}}},
            {("renderer", "ours"), ("renderer", "no_correlation")},
        ),
        ({"audio2exp": {"frames": 6}}, {("audio2exp", "")}),
        ({"audio2pose": {"hidden": 64}}, {("audio2pose", "")}),
        ({"renderers": {"no_correlation": {"weights": {"gan": 0}}}}, {("renderer", "no_correlation")}),
        (
            {"metrics": {"paper": {"input_px": 96}}},
            {("metric", "paper"), ("metric", "recommended"), ("renderer", "ours"), ("renderer", "no_correlation")},
        ),
        ({"metrics": {"paper": {"reconstruction_weight": 0}}}, {("metric", "paper")}),
        ({"metrics": {"paper": {"audio_start": "wav2lip", "visual_start": "arcface"}}}, set()),
        ({"metrics": {"paper": {"perceptual": "vgg19"}}}, {("metric", "paper"), ("metric", "recommended")}),
    ],
)
def test_a_shape_changes_with_what_a_step_computes_and_with_nothing_else(changes, changed):
    before, after = shapes(), shapes(**changes)
    assert {key for key in before if before[key] != after[key]} == changed


def test_the_papers_networks_and_those_of_its_ablations_have_been_counted_and_no_others():
    files = [PAPER, *(PAPER.with_name(f"{name}_ablations.yaml") for name in ("generator", "attention", "listening"))]
    assert {network.shape for network in networks(dict(load_files(*files)))} == costs.load().trainings.keys()


def test_steps_are_drawn_as_the_loop_draws_them(settings):
    for network in networks(settings):
        training = network.section.training
        assert network.steps(1001) == steps_per_epoch(training, 1001, 1) * training.epochs
        assert network.samples(1001) == network.steps(1001) * training.batch

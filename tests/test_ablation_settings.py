"""Facts about the files of ablations: each row differs from `ours` in what its name says, and in nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tavce.config import Settings, load_files

CONFIG = Path(__file__).parents[1] / "workflow/config"
GENERATOR = {
    "no_attention": {"attention": "none"},
    "no_correlation_loss": {"weights.correlation": 0},
    "no_correlation": {"attention": "none", "weights.correlation": 0},
}
ATTENTION = {"attention_volume": {"attention": "volume"}, "attention_warped": {"attention": "warped"}}
RECIPES = {
    "no_negatives": {"negative_weight": 0},
    "no_reconstruction": {"reconstruction_weight": 0},
    "distance_5": {"distance": 5},
    "distance_10": {"distance": 10},
    "tenth_reconstruction": {"reconstruction_weight": 0.1},
    "tenfold_reconstruction": {"reconstruction_weight": 10},
}


def settings_of(*names: str, under: str = "paper") -> Settings:
    """Return the paper's or the demo's settings with files of ablations laid over them."""
    base = ["paper"] if under == "paper" else ["paper", under]
    return load_files(*(CONFIG / f"{name}.yaml" for name in (*base, *names)))


def said(name: str, section: str) -> dict[str, Any]:
    """Return what a file of ablations itself says."""
    return yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8"))[section]


def difference(one: Any, other: Any) -> dict[str, Any]:
    """Return the settings of `other` that differ from `one`, by their paths."""
    before, after = (dict(leaves(section.model_dump())) for section in (one, other))
    return {path: value for path, value in after.items() if before[path] != value}


def leaves(tree: Mapping[str, Any], under: str = "") -> list[tuple[str, Any]]:
    """Return every setting with its path."""
    found = []
    for key, value in tree.items():
        found += leaves(value, f"{under}{key}.") if isinstance(value, Mapping) else [(f"{under}{key}", value)]
    return found


@pytest.mark.parametrize("under", ["paper", "demo"])
def test_the_generators_ablations_take_away_the_attention_the_loss_or_both(under):
    renderers = settings_of("generator_ablations", under=under).renderers
    assert {name: difference(renderers["ours"], renderers[name]) for name in GENERATOR} == GENERATOR


def test_the_generators_ablations_are_all_trained_with_the_same_three_seeds_and_have_a_row():
    settings = settings_of("generator_ablations")
    seeds = {name: (variant.training.seed, *variant.more_seeds) for name, variant in settings.renderers.items()}
    assert seeds == dict.fromkeys(("ours", *GENERATOR), (2024, 2025, 2026))
    assert {"ours", *GENERATOR} < {*settings.methods}
    assert len(settings.compared) == 4 * 3 + 2


@pytest.mark.parametrize("under", ["paper", "demo"])
def test_the_attentions_ablations_differ_in_its_place(under):
    settings = settings_of("attention_ablations", under=under)
    renderers = settings.renderers
    assert {name: difference(renderers["ours"], renderers[name]) for name in ATTENTION} == ATTENTION
    assert {*ATTENTION} < {*settings.methods}


def test_laid_over_each_other_all_ablations_have_the_seeds_of_ours():
    settings = settings_of("generator_ablations", "attention_ablations")
    assert settings.renderers["attention_warped"].more_seeds == (2025, 2026)


@pytest.mark.parametrize("under", ["paper", "demo"])
def test_the_listening_ablations_hear_by_recipes_that_differ_in_one_number_of_the_papers(under):
    settings = settings_of("listening_ablations", under=under)
    metrics, renderers = settings.metrics, settings.renderers
    assert {name: difference(metrics["paper"], metrics[name]) for name in RECIPES} == RECIPES
    assert {*said("listening_ablations", "metrics")} == {*RECIPES}
    assert renderers["ours"].metric == "paper"
    for name in (*RECIPES, "recommended"):
        assert difference(renderers["ours"], renderers[f"{name}_metric"]) == {"metric": name}
        assert f"{name}_metric" in settings.methods


def test_variants_other_than_the_baseline_are_in_the_ablation_table_alone():
    settings = settings_of("generator_ablations")
    assert sorted(settings.ablations) == sorted(GENERATOR)
    assert load_files(CONFIG / "paper.yaml").ablations == ["no_correlation"]


def test_beside_a_baseline_that_is_no_variant_there_are_no_ablations(tmp_path):
    (tmp_path / "my.yaml").write_text("tables: {baseline: static}", encoding="utf-8")
    assert load_files(CONFIG / "paper.yaml", tmp_path / "my.yaml").ablations == []

"""Facts about the recipes of the metric that come with the project."""

from pathlib import Path

import yaml

from tavce.config import load_files, paper

CONFIG = Path(__file__).parents[1] / "workflow/config"


def test_a_recipe_without_a_gate_of_its_own_warns():
    listening = paper().listening
    assert [listening.gate_of(name) for name in ("paper", "recommended", "mine")] == ["warn", "stop", "warn"]


def test_the_papers_recipe_is_the_papers():
    recipe = paper().metrics["paper"]
    assert (recipe.negatives, recipe.spacing, recipe.distance, recipe.signed) == ("time", 1, 3, False)
    assert (recipe.margin, recipe.negative_weight, recipe.reconstruction_weight) == (0, 1, 1)
    assert recipe.perceptual == "lpips_vgg"


def test_an_ablation_of_the_metric_differs_from_the_recommended_recipe_in_what_its_name_says():
    metrics = load_files(CONFIG / "paper.yaml", CONFIG / "demo.yaml", CONFIG / "metric_ablations.yaml").metrics
    ablations = yaml.safe_load((CONFIG / "metric_ablations.yaml").read_text(encoding="utf-8"))["metrics"]
    for name in ablations:
        recipe = metrics[name]
        assert recipe.training == metrics["recommended"].training
        assert f"{recipe.negatives}{recipe.spacing}" == name.split("_")[0]
        assert bool(recipe.reconstruction_weight) == name.endswith("_rec")
        assert (recipe.negative_weight == 0) == ("no_negatives" in name)
        assert not recipe.signed

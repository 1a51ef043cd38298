"""Facts about what a metric may start from: the published files have the paper's sizes and no others."""

import pytest
import yaml

from tavce import weights
from tavce.config import PAPER, SettingsError, load, merge
from tavce.config.learning import Metric

TAVCE = {"audio_start": "tavce", "visual_start": "tavce"}
NARROW = {"networks": {"audio_channels": [4, 6, 8, 10, 12]}}
FLAT = {"networks": {"visual_channels": [4, 6, 8, 10]}}


def recipe(**changes: object) -> Metric:
    raw = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    return load(merge(raw, {"metrics": {"paper": changes}})).metrics["paper"]


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, ("vgg16", "lpips_vgg")),
        ({"perceptual": "vgg19"}, ("vgg19",)),
        ({"audio_start": "wav2lip", "visual_start": "arcface"}, ("wav2lip", "arcface_iresnet18", "vgg16", "lpips_vgg")),
        (TAVCE | {"reconstruction_weight": 0}, ("tavce_metric",)),
        ({"visual_start": "imagenet", "networks": {"visual": "resnet18"}, "reconstruction_weight": 0}, ("resnet18",)),
        ({"reconstruction_weight": 0, **NARROW}, ()),
    ],
)
def test_a_recipe_needs_the_files_it_starts_from_and_those_of_its_loss(changes, needed):
    assert recipe(**changes).weights == needed
    assert set(needed) <= weights.table().keys()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"audio_start": "tavce"}, "audio_start and visual_start: give both `tavce` or neither"),
        ({"visual_start": "tavce"}, "audio_start and visual_start: give both `tavce` or neither"),
        (
            {"audio_start": "wav2lip", **NARROW},
            "audio_start 'wav2lip' needs the published file's networks.audio_channels, [32, 64, 128, 256, 512], "
            "not [4, 6, 8, 10, 12]",
        ),
        (
            {"visual_start": "arcface", "networks": {"visual": "resnet18"}},
            "visual_start 'arcface' needs the published file's networks.visual, iresnet18, not resnet18",
        ),
        (
            {"visual_start": "imagenet"},
            "'imagenet' needs the published file's networks.visual, resnet18, not iresnet18",
        ),
        ({"visual_start": "arcface", **FLAT}, "networks.visual_channels, [64, 128, 256, 512], not [4, 6, 8, 10]"),
        (TAVCE | {"networks": {"features": 64}}, "'tavce' needs the published file's networks.features, 128, not 64"),
        (TAVCE | {"input_px": 96}, "visual_start 'tavce' needs input_px 112, not 96"),
        (
            TAVCE | {"networks": {"reconstruction": {"blocks_after": 3}}},
            "visual_start 'tavce' needs networks.reconstruction.blocks_after 4, not 3",
        ),
    ],
)
def test_a_start_of_other_sizes_is_refused(changes, words):
    with pytest.raises(SettingsError, match=r"metrics\.paper: ") as caught:
        recipe(**changes)
    assert words in str(caught.value)


def test_without_a_reconstruction_its_generators_may_have_any_size():
    other = {"networks": {"reconstruction": {"blocks_after": 3}}, "reconstruction_weight": 0}
    assert recipe(**TAVCE, **other).audio_start == "tavce"

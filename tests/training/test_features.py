"""Facts about the networks that judge pictures, with their published weights."""

import pytest
import torch

from tavce import weights
from tavce.metric.losses import PerceptualDistance
from tavce.records import InputError
from tavce.training.features import load_features


def test_published_features_see_no_distance_between_equal_pictures_and_some_between_others():
    distance = PerceptualDistance(load_features("mobilenetv2"))
    picture = torch.rand(1, 3, 32, 32)
    assert distance(picture, picture.clone()).item() == 0
    assert distance(picture, picture.flip(-1)) > distance(picture, picture * 0.99) > 0


def test_weights_that_are_missing_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="vgg19 weights are missing: run `tavce fetch vgg19`"):
        load_features("vgg19")


def test_weights_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    state = torch.load(weights.path_of("mobilenetv2"), weights_only=True)
    dropped = [name for name in state if name.startswith("features.18.")]
    torch.save({name: value for name, value in state.items() if name not in dropped}, tmp_path / "cut.pth")
    monkeypatch.setattr(weights, "path_of", lambda _name: tmp_path / "cut.pth")
    with pytest.raises(
        InputError, match=r"cut\.pth lacks 'features\.18\.0\.weight' and \d more entries of mobilenetv2"
    ):
        load_features("mobilenetv2")

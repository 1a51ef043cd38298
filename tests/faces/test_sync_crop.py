import numpy as np
import pytest

from tavce.faces.mean_face import MEAN_FACE
from tavce.faces.sync_crop import face_boxes, sync_crops, to_sync_crop


def moved(to_crop: np.ndarray, *point_px: float) -> np.ndarray:
    return to_crop[:, :2] @ point_px + to_crop[:, 2]


def test_the_crop_spans_the_trackers_square():
    to_crop = to_sync_crop(np.array([[100, 50, 180, 150]]))[0]  # s = 50 around 140, 100
    np.testing.assert_allclose(moved(to_crop, 140 - 70 - 0.5, 50 - 0.5), [-0.5, -0.5], atol=1e-9)
    np.testing.assert_allclose(moved(to_crop, 140 + 70 - 0.5, 100 + 90 - 0.5), [223.5, 223.5], atol=1e-9)


def test_a_box_that_jumps_for_one_frame_is_smoothed_away():
    boxes = np.tile([100.0, 50, 180, 150], (30, 1))
    still = to_sync_crop(boxes)
    boxes[12] += 500
    np.testing.assert_allclose(to_sync_crop(boxes), still)


def test_a_face_box_holds_the_forehead_above_the_brows():
    landmarks = np.zeros((1, 68, 2))
    landmarks[0, 0], landmarks[0, 8], landmarks[0, 19] = (10, 40), (60, 130), (30, 10)
    landmarks[0, 1:8] = landmarks[0, 9:19] = landmarks[0, 20:] = (70, 50)
    np.testing.assert_allclose(face_boxes(landmarks), [[10, 10 - 40, 70, 130]])


def test_the_box_of_an_upright_face_is_as_high_as_said():
    left, top, right, bottom = face_boxes(MEAN_FACE[None, :, :2])[0]
    assert (bottom - top) / (right - left) == pytest.approx(1.26, abs=0.005)


def test_what_lies_beyond_the_picture_is_grey_and_the_rest_is_the_picture():
    landmarks = np.tile(np.random.default_rng(3).uniform(30, 60, (68, 2)), (2, 1, 1))
    crops = [*sync_crops(np.full((2, 64, 64, 3), (200, 20, 30), np.uint8), landmarks)]
    assert [crop.shape for crop in crops] == [(224, 224, 3)] * 2
    assert crops[1][-1, 112].tolist() == [110, 110, 110]
    assert crops[1][90, 112].tolist() == [200, 20, 30]


def test_landmarks_of_another_shape_or_number_are_refused():
    frames = np.zeros((2, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"landmarks of shape \(2, 5, 2\): give \[T, 68, 2\]"):
        next(sync_crops(frames, np.zeros((2, 5, 2))))
    with pytest.raises(ValueError, match="shorter"):
        [*sync_crops(frames, np.random.default_rng(3).uniform(30, 60, (1, 68, 2)))]

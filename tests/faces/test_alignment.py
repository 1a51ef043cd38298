"""Facts about the crop that Deep3DFaceRecon looks at."""

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from tavce.demo.head import Expression
from tavce.demo.speakers import head_of
from tavce.faces.alignment import EYE_DISTANCE, SIDE, UNIT_PX, aligned, five_points, standard_points, to_crop
from tavce.faces.mean_face import MEAN_FACE
from tavce.records import InputError

MIDDLE = (SIDE - 1) / 2


@pytest.fixture(scope="module")
def standard() -> np.ndarray:
    return standard_points(None)


@pytest.fixture(scope="module")
def speaker() -> tuple[np.ndarray, np.ndarray]:
    """A picture and its landmarks."""
    return head_of(0).frame(Expression(opening=0.2, rotation=(0.05, -0.1, 0.02)))


def moved(speaker, angle_deg: float, scale: float, shift) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture and its landmarks, turned clockwise and enlarged about (128, 128), then shifted."""
    turn = cv2.getRotationMatrix2D((128, 128), -angle_deg, scale)
    turn[:, 2] += shift
    picture = cv2.warpAffine(speaker[0], turn, (640, 640), flags=cv2.INTER_CUBIC)
    return picture, speaker[1] @ turn[:, :2].T + turn[:, 2]


def crop_of(picture, landmarks, standard) -> np.ndarray:
    return aligned(picture, to_crop(landmarks, standard))


def inner(crop: np.ndarray) -> np.ndarray:
    """Return what lies in the picture whatever the turn, without the finest detail."""
    return cv2.GaussianBlur(crop, (0, 0), 2)[60:170, 60:170].astype(float)


def test_the_standard_face_fits_the_published_one_where_it_is_fixed(standard):
    left, right, nose, *mouth = standard
    assert right[0] - left[0] == pytest.approx(EYE_DISTANCE, abs=1e-3)
    np.testing.assert_allclose((left + right) / 2, (0, -0.290, -0.133), atol=1e-3)
    np.testing.assert_allclose(nose, (0, 0.046, -0.552), atol=0.03)  # the published nose tip
    assert mouth[0][0] == pytest.approx(-mouth[1][0], abs=1e-3)


@pytest.mark.parametrize("shift", [(0, 0), (37.5, -12.25)])
@pytest.mark.parametrize("scale", [0.6, 1.0, 2.5])
def test_five_points_of_the_standard_face_land_where_the_standard_has_them(standard, scale, shift):
    landmarks = MEAN_FACE[:, :2] * 90 * scale + (128, 120) + np.array(shift)
    matrix = to_crop(landmarks, standard)
    landed = five_points(landmarks) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(landed, UNIT_PX * standard[:, :2] + MIDDLE, atol=1e-6)


def test_an_eye_is_the_middle_of_its_corners():
    landmarks = np.arange(136.0).reshape(68, 2)
    np.testing.assert_array_equal(five_points(landmarks)[:, 0], [75, 87, 60, 96, 108])


@pytest.mark.parametrize(("scale", "shift"), [(1.0, (60, 45)), (1.7, (200, 190)), (1.0, (100.5, 80.25))])
def test_a_shifted_and_enlarged_frame_gives_the_same_crop(standard, speaker, scale, shift):
    there = crop_of(*moved(speaker, 0, scale, shift), standard)
    assert np.abs(inner(there) - inner(crop_of(*speaker, standard))).mean() < 1.0


def test_a_large_frame_is_averaged_before_it_shrinks(standard):
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = aligned(stripes, to_crop(MEAN_FACE[:, :2] * 400 + 512, standard))
    np.testing.assert_allclose(crop[20:-20, 20:-20].mean(axis=(0, 2)), 127.5, atol=30)


def test_shrinking_keeps_the_place(standard):
    picture = np.zeros((1024, 1024, 3), np.uint8)
    cv2.circle(picture, (600, 450), 40, (255, 255, 255), -1)
    matrix = to_crop(MEAN_FACE[:, :2] * 400 + 512, standard)
    assert matrix[0, 0] < 0.3
    light = aligned(picture, matrix)[..., 0].astype(float)
    rows, columns = np.indices(light.shape)
    centre = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
    np.testing.assert_allclose(centre, np.array([600, 450]) * matrix[0, 0] + matrix[:, 2], atol=0.1)


@pytest.mark.parametrize("angle_deg", [-20, 15])
def test_a_tilted_frame_gives_the_crop_tilted_as_much(standard, speaker, angle_deg):
    tilted = crop_of(*moved(speaker, angle_deg, 1.0, (60, 45)), standard)
    turn = cv2.getRotationMatrix2D((MIDDLE, MIDDLE), -angle_deg, 1.0)
    wanted = cv2.warpAffine(crop_of(*speaker, standard), turn, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
    assert np.abs(inner(tilted) - inner(wanted)).mean() < 3.0
    assert np.abs(inner(tilted) - inner(crop_of(*speaker, standard))).mean() > 10


def test_rows_run_from_the_top(standard, speaker):
    picture, landmarks = speaker
    matrix = to_crop(landmarks, standard)
    landed = landmarks @ matrix[:, :2].T + matrix[:, 2]
    assert matrix[0, 0] == matrix[1, 1] > 0
    assert landed[27:31, 1].tolist() == sorted(landed[27:31, 1])
    x, y = np.round(landed[30]).astype(int)
    there = picture[tuple(np.round(landmarks[30]).astype(int)[::-1])]
    np.testing.assert_allclose(crop_of(*speaker, standard)[y, x], there, atol=12)


def test_a_crop_is_black_beyond_the_frame(standard):
    crop = aligned(np.full((256, 256, 3), 200, np.uint8), to_crop(MEAN_FACE[:, :2] * 90, standard))
    assert crop[:40, :40].max() == 0
    assert crop[150, 150].tolist() == [200, 200, 200]


def test_a_frame_without_landmarks_has_no_map(standard):
    landmarks = np.repeat(MEAN_FACE[None, :, :2] * 90, 3, axis=0)
    landmarks[1] = np.nan
    maps = to_crop(landmarks, standard)
    assert np.isnan(maps[1]).any()
    assert np.isfinite(maps[[0, 2]]).all()


def test_the_released_points_are_taken_as_they_are_with_y_turned_down(tmp_path):
    landmarks = np.random.default_rng(0).normal(size=(68, 3))
    savemat(tmp_path / "lm.mat", {"lm": landmarks})
    points = standard_points(tmp_path / "lm.mat")
    np.testing.assert_allclose(points[2], landmarks[30] * (1, -1, -1))
    np.testing.assert_allclose(points[0], landmarks[[36, 39]].mean(axis=0) * (1, -1, -1))


def test_another_file_than_the_released_points_is_refused(tmp_path):
    path = tmp_path / "lm.mat"
    path.write_bytes(b"no matrix at all" * 20)
    with pytest.raises(InputError, match="has no landmarks 'lm': place the release's file, or remove this one"):
        standard_points(path)
    savemat(path, {"lm": np.zeros((5, 3))})
    with pytest.raises(InputError, match=r"'lm' is \(5, 3\), not \(68, 3\)"):
        standard_points(path)

import numpy as np
import pytest
from talking_portrait import openings, talking_frames

from tavce.faces.points import MOUTH, inter_ocular, mouth_opening
from tavce.measure.landmarks import SCORED, detect_landmarks, filled, found, lmd, mouth_place
from tavce.measure.measurements import MeasurementError


def face(frames: int = 3) -> np.ndarray:
    """Return landmarks [T, 68, 2] whose outer eye corners are 40 px apart."""
    points = np.random.default_rng(0).uniform(0, 100, (frames, 68, 2)).astype(np.float32)
    points[:, 36], points[:, 45] = (10, 20), (50, 20)
    return points


def lmd_face(reference: np.ndarray, generated: np.ndarray) -> float:
    return lmd(reference, generated, SCORED, centred=False)


def lmd_mouth(reference: np.ndarray, generated: np.ndarray) -> float:
    return lmd(reference, generated, MOUTH, centred=True)


def test_moving_every_point_by_4_px_is_a_tenth_of_40_px():
    assert lmd_face(face(), face() + np.float32([0, 4])) == pytest.approx(0.1)


def test_lmd_has_no_unit():
    assert lmd_face(2 * face(), 2 * face() + np.float32([0, 8])) == pytest.approx(0.1)


def test_the_jaw_does_not_count():
    moved = face()
    moved[:, :17] += 50
    assert lmd_face(face(), moved) == 0


def test_of_a_mouth_the_shape_counts_and_not_the_place():
    moved = face() + np.arange(3, dtype=np.float32)[:, None, None]  # each frame elsewhere
    assert lmd_mouth(face(), moved) == pytest.approx(0, abs=1e-6)
    moved[:, 66, 1] += 8  # one of 20 points: it moves by 8 − 8 / 20, all others by 8 / 20 the other way
    assert lmd_mouth(face(), moved) == pytest.approx((7.6 + 19 * 0.4) / 20 / 40, rel=1e-5)


def test_frames_without_landmarks_in_either_video_are_left_out():
    reference, generated = face(), face() + np.float32([4, 0])
    reference[0], generated[1] = np.nan, np.nan
    assert lmd_face(reference, generated) == pytest.approx(0.1)
    assert found(reference).tolist() == [False, True, True]


def test_no_common_frame_is_no_number():
    with pytest.raises(MeasurementError, match="no frame has landmarks in both"):
        lmd_mouth(face(), np.full((3, 68, 2), np.nan, np.float32))


def test_landmarks_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"both must be \[T, 68, 2\]"):
        lmd_face(face(3), face(2))


def test_frames_without_a_face_are_bridged_in_a_straight_line():
    steady = face(1).repeat(6, axis=0) + np.arange(6, dtype=np.float32)[:, None, None]
    broken = steady.copy()
    broken[[0, 2, 3, 5]] = np.nan
    expected = steady.copy()
    expected[0], expected[5] = steady[1], steady[4]
    np.testing.assert_allclose(filled(broken), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="no frame has landmarks"):
        filled(np.full((3, 68, 2), np.nan))


def test_the_mouths_place_is_the_median_box_in_fractions_of_the_picture():
    points = np.full((3, 68, 2), np.nan)
    points[1:] = 50
    points[1:, 48], points[1:, 54] = (39.5, 59.5), (79.5, 89.5)
    np.testing.assert_allclose(mouth_place(points, 200, 100), [0.2, 0.505, 0.4, 0.9], atol=1e-6)
    points[1:, 54] = (300, 300)
    assert mouth_place(points, 200, 100)[2:].tolist() == [1, 1]
    with pytest.raises(MeasurementError, match="no frame has landmarks"):
        mouth_place(points[:1], 200, 100)


@pytest.fixture(scope="module")
def talking() -> tuple[np.ndarray, list[np.ndarray]]:
    opening = openings(3, 40)
    return opening, talking_frames(opening, 256)


def test_the_opening_found_follows_the_true_one(talking):
    opening, frames = talking
    measured = mouth_opening(detect_landmarks(frames))
    assert np.corrcoef(opening, measured)[0, 1] > 0.8


def test_small_frames_give_the_same_face_in_their_own_pixels(talking):
    large = detect_landmarks(talking[1][:4])
    small = detect_landmarks([frame.reshape(64, 4, 64, 4, 3).mean((1, 3)).astype(np.uint8) for frame in talking[1][:4]])
    assert lmd_face((large + 0.5) / 4 - 0.5, small) < 0.03


def test_a_frame_without_a_face_is_nan_and_its_neighbours_are_not(talking):
    blank = np.full((256, 256, 3), 127, np.uint8)
    landmarks = detect_landmarks([talking[1][0], blank, talking[1][1]])
    assert found(landmarks).tolist() == [True, False, True]
    assert np.isnan(landmarks[1]).all()


def test_the_largest_face_counts(talking):
    frame = np.full((256, 512, 3), 127, np.uint8)
    frame[:, 256:] = talking[1][0]
    frame[80:176, 40:136] = talking[1][0].reshape(128, 2, 128, 2, 3).mean((1, 3)).astype(np.uint8)[16:112, 16:112]
    (landmarks,) = detect_landmarks([frame])
    assert landmarks[30, 0] > 256
    assert inter_ocular(landmarks) > 60


def test_no_frames_have_no_landmarks():
    assert detect_landmarks([]).shape == (0, 68, 2)

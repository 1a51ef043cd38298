"""Facts about the 68-point scheme."""

import numpy as np
import pytest

from tavce.faces.points import (
    BROWS,
    EYES,
    FACEMESH_TO_68,
    JAW,
    MIRRORED,
    MOUTH,
    NOSE,
    POINTS,
    UPPER_LIDS,
    eye_opening,
    inter_ocular,
    mouth_centre,
    mouth_opening,
)


def face() -> np.ndarray:
    points = np.zeros((POINTS, 2))
    points[36], points[45] = (-3, 0), (3, 4)  # √(6² + 4²) apart
    points[MOUTH] = (0, 8)
    points[[65, 66, 67]] = (0, 10)
    return points


def test_parts_cover_every_point_once():
    covered = [index for part in (JAW, BROWS, NOSE, EYES, MOUTH) for index in range(POINTS)[part]]
    assert covered == list(range(POINTS))


def test_mirroring_twice_changes_nothing():
    mirrored = np.array(MIRRORED)
    np.testing.assert_array_equal(mirrored[mirrored], np.arange(POINTS))
    assert (mirrored[8], mirrored[36], mirrored[48]) == (8, 45, 54)


def test_every_point_has_a_mesh_vertex_of_its_own():
    assert len(set(FACEMESH_TO_68)) == POINTS
    assert max(FACEMESH_TO_68) < 468


def test_inter_ocular_is_the_distance_of_the_outer_eye_corners():
    assert inter_ocular(face()) == pytest.approx(52**0.5)


def test_mouth_opening_is_the_gap_over_the_eye_distance_at_any_size():
    assert mouth_opening(face()) == pytest.approx(2 / 52**0.5)
    np.testing.assert_allclose(mouth_opening(np.stack([face(), 7 * face() + 3])), 2 / 52**0.5)


def test_eye_opening_is_the_gap_of_the_lids_over_the_eye_distance():
    wide = face()
    wide[list(UPPER_LIDS)] = (0, -3)
    assert eye_opening(face()) == 0
    np.testing.assert_allclose(eye_opening(np.stack([wide, 5 * wide - 2])), 3 / 52**0.5)


def test_mouth_centre_is_not_moved_by_one_stray_point():
    stray = face()
    stray[48] = (1000, -1000)
    np.testing.assert_array_equal(mouth_centre(stray), (0, 8))


def test_lost_landmarks_have_no_opening():
    lost = np.stack([face(), np.full((POINTS, 2), np.nan)])
    np.testing.assert_array_equal(np.isnan(mouth_opening(lost)), [False, True])

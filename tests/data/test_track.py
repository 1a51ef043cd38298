"""Facts about following faces, on faces that are drawn up here."""

import numpy as np
import pytest

from tavce.data.observe import Faces, Seen
from tavce.data.track import Stretch, Track, follow, jitter, stretch
from tavce.faces.overlap import iou, share_inside

MIN_IOU, MAX_GAP = 0.3, 3


def face(left: float, side: float = 40, top: float = 20) -> tuple:
    """Return box, landmarks and score of a square face whose landmarks all lie at its left top corner."""
    box = np.array([left, top, left + side, top + side], np.float32)
    return box, np.tile(box[:2], (68, 1)), 0.9


def clip(frames, *cuts: int) -> Seen:
    faces = Faces()
    return Seen(faces, [[faces.add(*one) for one in frame] for frame in frames], [*cuts], 640, 480)


def tracks_of(frames, *cuts: int) -> list[Track]:
    return follow(clip(frames, *cuts), MIN_IOU, MAX_GAP)


def lefts(frames, track: Track) -> set[float]:
    """Return where the boxes of a track begin."""
    return {*clip(frames).faces.boxes_px([*track.seen.values()])[:, 0].tolist()}


def only(frames, *cuts: int) -> Stretch:
    (track,) = tracks_of(frames, *cuts)
    return stretch(track, clip(frames, *cuts), MAX_GAP)


def test_overlap_is_one_for_the_same_box_and_nought_for_boxes_apart():
    box = np.array([0.0, 0, 10, 10])
    assert iou(box, box) == 1
    assert iou(box, box + np.array([5, 0, 5, 0])) == pytest.approx(1 / 3)
    assert iou(box, box + np.array([10, 0, 10, 0])) == 0
    assert iou(box * 0, box * 0) == 0
    np.testing.assert_allclose(iou(box, np.stack([box, box + 20])), [1, 0])


def test_the_share_inside_is_of_the_first_box():
    box = np.array([0.0, 0, 10, 10])
    assert share_inside(box, np.array([-50, -50, 50, 50])) == 1
    assert share_inside(np.array([-50, -50, 50, 50]), box) == pytest.approx(0.01)
    assert share_inside(box, box + np.array([4, 0, 4, 0])) == pytest.approx(0.6)
    assert share_inside(box, box + 20) == 0
    assert share_inside(box * 0, box) == 0


def test_a_face_is_followed_as_it_moves():
    found = only([[face(2.0 * number)] for number in range(30)])
    np.testing.assert_allclose(found.boxes_px[:, 0], 2.0 * np.arange(30))
    np.testing.assert_allclose(found.landmarks_px[:, 30, 0], 2.0 * np.arange(30))
    assert (found.first_frame, found.filled) == (0, 0)
    assert found.score == pytest.approx(0.9)
    assert found.boxes_px.dtype == found.landmarks_px.dtype == np.float32
    assert found.landmarks_px.shape == (30, 68, 2)


@pytest.mark.parametrize("step", [1, -1])
def test_two_faces_that_overlap_keep_their_own_tracks(step):
    frames = [[face(0), face(20)]] + [[face(0), face(20)][::step] for _ in range(11)]
    assert iou(frames[0][0][0], frames[0][1][0]) > MIN_IOU
    first, second = tracks_of(frames)
    assert (lefts(frames, first), lefts(frames, second)) == ({0}, {20})


def test_a_short_gap_is_filled_in_between():
    found = only([[face(float(number))] if number not in (5, 6, 7) else [] for number in range(20)])
    np.testing.assert_allclose(found.boxes_px[:, 0], np.arange(20), atol=1e-5)
    np.testing.assert_allclose(found.landmarks_px[:, 0, 0], np.arange(20), atol=1e-5)
    assert found.filled == 3


def test_gaps_at_the_clips_ends_are_filled_with_the_nearest_face():
    found = only([[face(float(number))] if 2 <= number < 17 else [] for number in range(20)])
    assert found.boxes_px[:3, 0].tolist() == [2, 2, 2]
    assert found.boxes_px[-4:, 0].tolist() == [16, 16, 16, 16]
    assert (found.first_frame, found.filled) == (0, 5)


def test_a_longer_gap_ends_a_track_and_begins_another():
    frames = [[face(0)] if not 8 <= number < 12 else [] for number in range(20)]
    first, second = (stretch(track, clip(frames), MAX_GAP) for track in tracks_of(frames))
    assert (first.first_frame, len(first.boxes_px), first.filled) == (0, 8, 0)
    assert (second.first_frame, len(second.boxes_px), second.filled) == (12, 8, 0)


@pytest.mark.parametrize(("seen", "first", "frames"), [(range(4, 20), 4, 16), (range(0, 16), 0, 16)])
def test_a_longer_gap_at_an_end_is_left_out(seen, first, frames):
    found = only([[face(0)] if number in seen else [] for number in range(20)])
    assert (found.first_frame, len(found.boxes_px), found.filled) == (first, frames, 0)


def test_a_cut_ends_a_track_though_a_face_is_in_the_same_place_after_it():
    frames = [[face(0)] for _ in range(20)]
    first, second = tracks_of(frames, 7)
    assert (first.first, first.last, second.first, second.last) == (0, 6, 7, 19)


def test_nothing_is_filled_over_a_cut():
    frames = [[face(0)] if 2 <= number < 18 else [] for number in range(20)]
    found = only(frames, 1, 19)
    assert (found.first_frame, len(found.boxes_px), found.filled) == (2, 16, 0)
    assert only(frames, 2).first_frame == 2
    assert len(only(frames, 18).boxes_px) == 18


def shaking(seed=0, frames=200, size=0.01):
    """Return landmarks of a face that glides to the right, 1 px a frame, and shakes; eye corners are 60 px apart."""
    still = np.random.default_rng(1).uniform(0, 60, (68, 2))
    still[[36, 45]] = (0, 30), (60, 30)
    glide = still + np.arange(frames)[:, None, None] * (1.0, 0)
    return (glide + np.random.default_rng(seed).normal(0, size * 60, glide.shape)).astype(np.float32)


def smoothed(landmarks, frames):
    return Stretch(0, np.zeros((len(landmarks), 4)), landmarks, 0, 1.0).smoothed(frames)


def test_a_face_that_moves_evenly_has_no_jitter_and_one_that_shakes_has_its_size():
    assert jitter(shaking(size=0)) == pytest.approx(0, abs=1e-6)
    # a point is off the middle of its neighbours by √1.5 of its own spread, in two dimensions: × √(π / 2)
    assert jitter(shaking()) == pytest.approx(0.01 * np.sqrt(1.5 * np.pi / 2), rel=0.03)
    assert jitter(shaking()[:2]) == 0


def test_smoothing_takes_shaking_away_and_leaves_even_movement_as_it_is():
    np.testing.assert_allclose(smoothed(shaking(size=0), 5), shaking(size=0), atol=1e-3)
    assert jitter(smoothed(shaking(), 5)) < 0.6 * jitter(shaking())


def test_smoothing_has_no_lag():
    opening = np.zeros((41, 68, 2), np.float32)
    opening[20] = 1
    after = smoothed(opening, 5)[:, 0, 0]
    np.testing.assert_allclose(after, after[::-1], atol=1e-6)
    assert after.argmax() == 20
    assert after.sum() == pytest.approx(1)


@pytest.mark.parametrize(("hz", "kept"), [(2, 0.99), (5, 0.84), (8, 0.30)])
def test_over_five_frames_speech_keeps_what_the_docstring_says(hz, kept):
    wave = np.cos(2 * np.pi * hz * np.arange(100) / 25).astype(np.float32)
    after = smoothed(np.tile(wave[:, None, None], (1, 68, 2)), 5)[10:-10, 0, 0]
    assert np.std(after) / np.std(wave[10:-10]) == pytest.approx(kept, abs=0.02)


@pytest.mark.parametrize(("length", "frames"), [(100, 1), (4, 5)])
def test_landmarks_are_left_alone_where_smoothing_is_off_or_there_are_too_few(length, frames):
    np.testing.assert_array_equal(smoothed(shaking(frames=length), frames), shaking(frames=length))

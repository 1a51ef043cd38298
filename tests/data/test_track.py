"""Facts about following faces, on faces that are drawn up here."""

import numpy as np
import pytest

from tavce.data.track import Annotation, Observation, follow, iou, share_inside, whole_track
from tavce.records import ClipError

MIN_IOU, MAX_GAP = 0.3, 3


def face(left: float, side: float = 40, top: float = 20) -> Observation:
    """Return a square face whose landmarks all lie at its left top corner."""
    box = np.array([left, top, left + side, top + side], np.float32)
    return Observation(box, np.tile(box[:2], (68, 1)), 0.9)


def talking(frames):
    return whole_track(follow(frames, MIN_IOU, MAX_GAP), len(frames), MAX_GAP)


def test_overlap_is_one_for_the_same_box_and_nought_for_boxes_apart():
    box = np.array([0.0, 0, 10, 10])
    assert iou(box, box) == 1
    assert iou(box, box + np.array([5, 0, 5, 0])) == pytest.approx(1 / 3)
    assert iou(box, box + np.array([10, 0, 10, 0])) == 0
    assert iou(box * 0, box * 0) == 0


def test_a_face_is_followed_as_it_moves():
    frames = [[face(2.0 * number)] for number in range(30)]
    boxes, landmarks, filled = talking(frames)
    np.testing.assert_allclose(boxes[:, 0], 2.0 * np.arange(30))
    np.testing.assert_allclose(landmarks[:, 30, 0], 2.0 * np.arange(30))
    assert filled == 0
    assert boxes.dtype == landmarks.dtype == np.float32
    assert landmarks.shape == (30, 68, 2)


def test_of_two_faces_the_larger_is_chosen_whatever_their_order():
    frames = [[face(0, 30), face(100, 40)][:: 1 if number % 2 else -1] for number in range(20)]
    boxes, _, _ = talking(frames)
    assert set(boxes[:, 0]) == {100}
    assert len(follow(frames, MIN_IOU, MAX_GAP)) == 2


def test_a_face_seen_long_beats_a_large_one_seen_briefly():
    frames = [[face(0, 30)] + ([face(100, 60)] if number < 4 else []) for number in range(20)]
    boxes, _, _ = talking(frames)
    assert set(boxes[:, 0]) == {0}


@pytest.mark.parametrize("step", [1, -1])
def test_two_faces_that_overlap_keep_their_own_tracks(step):
    frames = [[face(0), face(20)]] + [[face(0), face(20)][::step] for _ in range(11)]
    assert iou(frames[0][0].box_px, frames[0][1].box_px) > MIN_IOU
    first, second = follow(frames, MIN_IOU, MAX_GAP)
    assert {item.box_px[0] for item in first.seen.values()} == {0}
    assert {item.box_px[0] for item in second.seen.values()} == {20}


def test_a_short_gap_is_filled_in_between():
    frames = [[face(float(number))] if number not in (5, 6, 7) else [] for number in range(20)]
    boxes, landmarks, filled = talking(frames)
    np.testing.assert_allclose(boxes[:, 0], np.arange(20), atol=1e-5)
    np.testing.assert_allclose(landmarks[:, 0, 0], np.arange(20), atol=1e-5)
    assert filled == 3


def test_gaps_at_the_ends_are_filled_with_the_nearest_face():
    frames = [[face(float(number))] if 2 <= number < 17 else [] for number in range(20)]
    boxes, _, filled = talking(frames)
    assert boxes[:3, 0].tolist() == [2, 2, 2]
    assert boxes[-4:, 0].tolist() == [16, 16, 16, 16]
    assert filled == 5


@pytest.mark.parametrize(("gap", "where"), [(range(0, 4), 0), (range(8, 12), 8), (range(16, 20), 16)])
def test_a_longer_gap_loses_the_face(gap, where):
    frames = [[face(0)] if number not in gap else [] for number in range(20)]
    with pytest.raises(ClipError, match=f"face_lost: no face for [0-9]+ frames from frame {where}"):
        talking(frames)


def test_a_cut_to_another_place_loses_the_face():
    frames = [[face(0 if number < 10 else 200)] for number in range(20)]
    with pytest.raises(ClipError, match="face_lost: no face for 10 frames from frame 10, 2 tracks in the clip"):
        talking(frames)


def test_no_face_at_all_is_said_so():
    with pytest.raises(ClipError, match="no_face: no face in any of 20 frames"):
        talking([[] for _ in range(20)])


def annotated(frames, boxes, min_share=0.3):
    boxes = np.broadcast_to(np.float32(boxes), (len(frames), 4))
    return whole_track(follow(frames, MIN_IOU, MAX_GAP), len(frames), MAX_GAP, Annotation(boxes, min_share))


TIGHT, LOOSE = (2, 18, 40, 58), (-26, -16, 66, 76)  # around the face at 0: like VoxCeleb's box, like HDTF's


def test_the_share_inside_is_of_the_first_box():
    box = np.array([0.0, 0, 10, 10])
    assert share_inside(box, np.array([-50, -50, 50, 50])) == 1
    assert share_inside(np.array([-50, -50, 50, 50]), box) == pytest.approx(0.01)
    assert share_inside(box, box + np.array([4, 0, 4, 0])) == pytest.approx(0.6)
    assert share_inside(box, box + 20) == 0
    assert share_inside(box * 0, box) == 0


@pytest.mark.parametrize("boxes", [TIGHT, LOOSE])
def test_the_annotated_face_is_chosen_though_another_is_larger(boxes):
    frames = [[face(0, 40), face(70, 90)][:: 1 if number % 2 else -1] for number in range(20)]
    assert set(talking(frames)[0][:, 0]) == {70}
    assert set(annotated(frames, boxes)[0][:, 0]) == {0}


def test_of_two_faces_in_a_loose_box_the_one_that_fills_it_better_is_chosen():
    frames = [[face(0, 40), face(44, 20)] for _ in range(20)]
    assert set(annotated(frames, LOOSE)[0][:, 0]) == {0}


def test_a_larger_face_that_reaches_into_a_loose_box_is_not_the_annotated_one():
    frames = [[face(0, 40), face(50, 80)] for _ in range(20)]
    wide = np.array([-40, -10, 92, 122])
    assert share_inside(frames[0][1].box_px, wide) > 0.5
    assert iou(frames[0][1].box_px, wide) > iou(frames[0][0].box_px, wide)
    assert set(annotated(frames, wide)[0][:, 0]) == {0}


def test_the_annotation_is_followed_from_frame_to_frame():
    frames = [[face(3.0 * number), face(200 - 3.0 * number, 60)] for number in range(20)]
    boxes = np.stack([found[0].box_px for found in frames])
    np.testing.assert_allclose(annotated(frames, boxes)[0], boxes)


def test_an_annotated_face_that_is_seen_long_beats_one_that_is_seen_briefly():
    frames = [[face(4)] + ([face(0, 37)] if number == 7 else []) for number in range(20)]
    assert set(annotated(frames, TIGHT)[0][:, 0]) == {4}


@pytest.mark.parametrize("boxes", [TIGHT, LOOSE])
def test_a_clip_with_none_but_another_face_is_dropped(boxes):
    frames = [[face(80, 60)] for _ in range(20)]
    with pytest.raises(
        ClipError, match=r"other_face: of 1 faces the best lies with [0-9]+% of itself in the annotated"
    ):
        annotated(frames, boxes)


def test_the_annotated_face_may_be_lost_or_missing_as_any():
    with pytest.raises(ClipError, match="face_lost: no face for 15 frames from frame 5, 2 tracks in the clip"):
        annotated([[face(0)] * (number < 5) + [face(90, 60)] for number in range(20)], TIGHT)
    with pytest.raises(ClipError, match="no_face: no face in any of 20 frames"):
        annotated([[] for _ in range(20)], TIGHT)

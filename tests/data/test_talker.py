"""Facts about which of several faces is chosen, on faces that are drawn up here."""

import numpy as np
import pytest

from tavce.data.observe import Faces, Seen
from tavce.data.talker import Annotation, Candidate, Talking
from tavce.data.track import follow, stretch
from tavce.records import ClipError

FRAMES = 80
TIGHT, LOOSE = (2, 18, 40, 58), (-26, -16, 66, 76)  # around the face at 0: like VoxCeleb's box, like HDTF's
LOUDNESS = -30 + 15 * np.sin(np.arange(FRAMES) * 0.9) + 5 * np.sin(np.arange(FRAMES) * 0.23)


def face(left: float, side: float = 40, top: float = 20, opening: float = 0.0) -> tuple:
    """Return box, landmarks and score of a square face whose mouth is open by a share of the distance of its eyes."""
    points = np.zeros((68, 2), np.float32)
    points[36], points[45] = (0, 0), (10, 0)
    points[[65, 66, 67], 1] = 10 * opening
    return np.array([left, top, left + side, top + side]), points + np.float32((left, top)), 0.9


def candidates(frames, width_px=400, height_px=400):
    faces = Faces()
    clip = Seen(faces, [[faces.add(*one) for one in frame] for frame in frames], [], width_px, height_px)
    return clip, [Candidate(track, stretch(track, clip, 3)) for track in follow(clip, 0.3, 3)]


def chosen(frames, loudness=LOUDNESS, **shape) -> float:
    """Return where the chosen face's first box begins, without an annotation."""
    clip, faces = candidates(frames, **shape)
    return float(Talking(loudness, clip, 0.3).choose(faces).stretch.boxes_px[0, 0])


def annotated(frames, boxes, min_share=0.3):
    boxes = np.broadcast_to(np.float32(boxes), (len(frames), 4))
    return Annotation(boxes, min_share).choose(candidates(frames)[1]).stretch


def talks(number: int) -> float:
    """Return how open the mouth is that says what is heard."""
    return (LOUDNESS[number] + 50) / 100


def chews(number: int) -> float:
    """Return how open a mouth is that has nothing to do with it."""
    return 0.2 + 0.2 * np.sin(number * 0.4 + 1)


def test_a_face_alone_is_chosen_whatever_it_does():
    assert chosen([[face(7, opening=chews(number))] for number in range(FRAMES)]) == 7


def test_of_two_silent_faces_the_larger_is_chosen_whatever_their_order():
    assert chosen([[face(0, 30), face(100, 40)][:: 1 if n % 2 else -1] for n in range(FRAMES)]) == 100


def test_of_two_silent_faces_of_a_size_the_one_in_the_middle_is_chosen():
    assert chosen([[face(0, top=0), face(180, top=180)] for _ in range(FRAMES)]) == 180
    assert chosen([[face(0, top=0), face(180, 30, top=180)] for _ in range(FRAMES)]) == 180
    assert chosen([[face(0, 60, top=0), face(180, 30, top=180)] for _ in range(FRAMES)]) == 0


def test_of_two_faces_the_one_that_moves_its_mouth_with_the_sound_is_chosen_though_it_is_smaller():
    frames = [[face(0, 40, opening=chews(n)), face(100, 30, opening=talks(n))] for n in range(FRAMES)]
    assert chosen(frames) == 100
    assert chosen(frames, loudness=LOUDNESS[::-1] * 0 - 30) == 0


@pytest.mark.parametrize("delay", [-4, 4])
def test_the_sound_may_be_some_frames_early_or_late(delay):
    frames = [[face(0, 40), face(100, 30, opening=talks(number))] for number in range(FRAMES)]
    assert chosen(frames, loudness=np.roll(LOUDNESS, delay)) == 100


def test_a_far_smaller_face_is_none_to_choose_from():
    frames = [[face(0, 100), face(200, 20, opening=talks(number))] for number in range(FRAMES)]
    assert chosen(frames) == 0


def test_after_a_cut_the_half_that_talks_is_chosen():
    frames = [[face(0, 60, opening=0.1)] if n < 40 else [face(100, 40, opening=talks(n))] for n in range(FRAMES)]
    assert chosen(frames) == 100
    frames = [[face(100, 40, opening=talks(n))] if n < 40 else [face(0, 60, opening=0.1)] for n in range(FRAMES)]
    assert chosen(frames) == 100


@pytest.mark.parametrize("boxes", [TIGHT, LOOSE])
def test_the_annotated_face_is_chosen_though_another_is_larger_and_talks(boxes):
    frames = [[face(0, 40), face(70, 90, opening=talks(n))][:: 1 if n % 2 else -1] for n in range(FRAMES)]
    assert chosen(frames) == 70
    assert set(annotated(frames, boxes).boxes_px[:, 0]) == {0}


def test_of_two_faces_in_a_loose_box_the_one_that_fills_it_better_is_chosen():
    assert set(annotated([[face(0, 40), face(44, 20)] for _ in range(20)], LOOSE).boxes_px[:, 0]) == {0}


def test_a_larger_face_that_reaches_into_a_loose_box_is_not_the_annotated_one():
    frames = [[face(0, 40), face(50, 80)] for _ in range(20)]
    assert set(annotated(frames, (-40, -10, 92, 122)).boxes_px[:, 0]) == {0}


def test_the_annotation_is_followed_from_frame_to_frame():
    frames = [[face(3.0 * number), face(200 - 3.0 * number, 60)] for number in range(20)]
    boxes = np.stack([found[0][0] for found in frames])
    np.testing.assert_allclose(annotated(frames, boxes).boxes_px, boxes)


def test_an_annotated_face_that_is_seen_long_beats_one_that_is_seen_briefly():
    frames = [[face(4)] + ([face(0, 37)] if number == 7 else []) for number in range(20)]
    assert set(annotated(frames, TIGHT).boxes_px[:, 0]) == {4}


def test_the_share_in_the_annotated_box_is_that_of_the_faces_own_frames():
    frames = [[face(0)] if number >= 10 else [] for number in range(20)]
    boxes = np.concatenate([np.full((10, 4), 300), np.tile(TIGHT, (10, 1))]).astype(np.float32)
    (one,) = candidates(frames)[1]
    assert Annotation(boxes, 0.3).share(one.stretch) == pytest.approx(38 * 38 / 1600)


@pytest.mark.parametrize("boxes", [TIGHT, LOOSE])
def test_a_clip_with_none_but_another_face_is_dropped(boxes):
    with pytest.raises(
        ClipError, match=r"other_face: of 1 faces the best lies with [0-9]+% of itself in the annotated"
    ):
        annotated([[face(80, 60)] for _ in range(20)], boxes)

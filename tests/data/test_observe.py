"""Facts about how a clip's faces are seen: by a back-end for which every bright square is a face."""

import itertools
from dataclasses import dataclass, field

import cv2
import numpy as np
import psutil
import pytest
from pipeline import settings

from tavce.data.observe import BLOCK_FACES, Faces, Observer
from tavce.data.track import jitter
from tavce.demo.portrait import load_portrait
from tavce.faces.backend import Face, open_backend
from tavce.media import decode

EVERY = 5
DETECT = settings(detect={"every": EVERY}).detect
SIDE = 20


@dataclass
class Squares:
    """Sees bright squares; remembers how often it looked, and finds a face only near where it is told to look."""

    batch: int = 8
    looked: int = 0
    asked: list[Face] = field(default_factory=list)

    def detect(self, frames):
        self.looked += len(frames)
        return [[Face((x, y, x + SIDE, y + SIDE), 0.9) for x, y in squares(frame)] for frame in frames]

    def landmarks(self, frames, faces):
        self.asked += faces
        points, scores, settled = np.zeros((len(faces), 68, 2), np.float32), np.zeros(len(faces), np.float32), []
        for index, (frame, face) in enumerate(zip(frames, faces, strict=True)):
            left, top = face.box_px[:2]
            near = [(x, y) for x, y in squares(frame) if max(abs(x - left), abs(y - top)) < SIDE]
            x, y = near[0] if near else (left, top)
            points[index], scores[index] = (x, y), len(near) > 0
            settled.append(Face((x, y, x + SIDE, y + SIDE), float(scores[index]), settled=True))
        return points, scores, settled


def squares(frame: np.ndarray) -> list[tuple[int, int]]:
    """Return left and top of the bright squares of a frame."""
    contours, _ = cv2.findContours((frame[..., 0] > 128).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [cv2.boundingRect(contour)[:2] for contour in contours]


def picture(*lefts: float, ground: int = 20) -> np.ndarray:
    frame = np.full((120, 320, 3), ground, np.uint8)
    for left in lefts:
        frame[40 : 40 + SIDE, round(left) : round(left) + SIDE] = 255
    return frame


def see(frames, backend=None):
    return Observer(backend or Squares(), DETECT)(iter(frames))


def lefts(seen) -> list[list[int]]:
    """Return where the faces of every frame begin, by their landmarks."""
    return [sorted(np.round(seen.faces.landmarks_px(faces)[:, 0, 0]).astype(int).tolist()) for faces in seen.frames]


@pytest.mark.parametrize("frames", [1, 2, 5, 6, 11, 50])
@pytest.mark.parametrize("batch", [1, 4, 32])
def test_every_frame_is_seen_once_and_a_moving_face_is_where_it_is(frames, batch):
    pictures = [picture(20 + 2 * number, 200) for number in range(frames)]
    seen = see(pictures, Squares(batch))
    assert lefts(seen) == [[20 + 2 * number, 200] for number in range(frames)]
    assert (seen.width_px, seen.height_px) == (320, 120)


def test_no_frames_have_nothing_in_them():
    assert see([]).frames == []


def test_the_detector_looks_at_every_nth_frame_only():
    backend = Squares()
    see([picture(20 + number) for number in range(51)], backend)
    assert backend.looked == 11
    assert len(backend.asked) == 51
    assert sum(face.settled for face in backend.asked) == 40


def test_boxes_between_two_looks_lie_on_the_way():
    seen = see([picture(20 + 3 * number) for number in range(11)])
    boxes = seen.faces.boxes_px([number for (number,) in seen.frames])
    np.testing.assert_allclose(boxes[:, 0], 20 + 3.0 * np.arange(11))


def test_a_face_that_comes_between_two_looks_is_seen_from_its_first_frame_on():
    frames = [picture(20) if number < 7 else picture(20, 200) for number in range(21)]
    assert lefts(see(frames)) == [[20]] * 7 + [[20, 200]] * 14


def test_a_face_that_is_hidden_between_two_looks_is_missing_there_and_nowhere_else():
    frames = [picture() if number in (7, 8) else picture(20) for number in range(21)]
    assert lefts(see(frames)) == [[20]] * 7 + [[], []] + [[20]] * 12


def test_a_face_that_jumps_and_comes_back_between_two_looks_is_found_where_it_was():
    frames = [picture(60 if number in (7, 8) else 20) for number in range(21)]
    assert lefts(see(frames)) == [[20]] * 7 + [[60], [60]] + [[20]] * 12


def test_a_face_beside_the_place_it_is_looked_for_at_is_looked_for_once_more():
    frames = [picture(30 if number in (7, 8) else 20) for number in range(21)]
    backend = Squares()
    assert lefts(see(frames, backend)) == [[20]] * 7 + [[30], [30]] + [[20]] * 12
    assert backend.looked == 5
    assert sum(face.settled for face in backend.asked) == 16
    assert len(backend.asked) == 21 + 2


def test_another_face_after_a_cut_is_another_from_the_cut_on():
    frames = [picture(20) if number < 8 else picture(200, ground=100) for number in range(21)]
    seen = see(frames)
    assert lefts(seen) == [[20]] * 8 + [[200]] * 13
    assert seen.cuts == [8]


def test_a_slow_change_of_light_is_no_cut():
    assert see([picture(20, ground=20 + 3 * number) for number in range(40)]).cuts == []


def test_unsure_landmarks_are_no_face():
    class Unsure(Squares):
        def landmarks(self, frames, faces):
            points, scores, settled = super().landmarks(frames, faces)
            return points, scores * np.float32(0.4), settled

    assert see([picture(20)] * 12, Unsure()).frames == [[]] * 12


def test_faces_are_kept_by_number_over_many_blocks():
    faces = Faces()
    drawn = np.random.default_rng(0).normal(size=(BLOCK_FACES + 3, 141)).astype(np.float32)
    assert [faces.add(row[:4], row[4:-1].reshape(68, 2), row[-1]) for row in drawn] == [*range(len(drawn))]
    some = [0, BLOCK_FACES - 1, BLOCK_FACES, BLOCK_FACES + 2]
    np.testing.assert_array_equal(faces.boxes_px(some), drawn[some, :4])
    np.testing.assert_array_equal(faces.landmarks_px(some).reshape(4, -1), drawn[some, 4:-1])
    np.testing.assert_array_equal(faces.scores(some), drawn[some, -1])
    assert faces.boxes_px([]).shape == (0, 4)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_clip():
    observer = Observer(open_backend("facemesh"), DETECT)
    head = load_portrait().picture
    frames = (np.roll(head, number % 7, axis=1) for number in itertools.count())
    observer(itertools.islice(frames, 100))
    before = psutil.Process().memory_info().rss
    seen = observer(itertools.islice(frames, 500))
    assert len(seen.frames) == 500
    assert (psutil.Process().memory_info().rss - before) / 2**20 < 30


@pytest.mark.slow
def test_landmarks_between_two_looks_are_steadier_than_where_the_detector_looks_at_each(demo_video):
    shake = {}
    for every in (1, EVERY):
        seen = Observer(open_backend("facemesh"), DETECT.model_copy(update={"every": every}))(decode(demo_video))
        shake[every] = jitter(seen.faces.landmarks_px([number for (number,) in seen.frames]))
    assert shake[EVERY] < 0.9 * shake[1]  # 1.15 where a key frame's landmarks are found in another way

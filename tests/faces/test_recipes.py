"""Facts about recipes: where tubes end, and which square each recipe takes."""

import numpy as np
import pytest
from pipeline import settings

from tavce.faces.mean_face import MEAN_FACE
from tavce.faces.recipes import FollowedFace, find_tubes, plan_cut
from tavce.records import ClipError

PAPER = settings().crop
PICTURE_PX = (1280, 720)
RECIPES = ("vox", "hdtf", "released", "ffhq")


def recipe(name, **changes):
    """Return the paper's settings with another recipe."""
    return PAPER.model_copy(update={"recipe": name, **changes})


FFHQ = recipe("ffhq")


def boxes(*runs):
    """Return boxes float32 [T, 4] from (frames, left, top, side)."""
    return np.float32([(left, top, left + side, top + side) for n, left, top, side in runs for _ in range(n)])


def face(boxes_px, landmarks_px=None, picture_px=PICTURE_PX):
    """Return a face with these boxes, and landmarks in the middle of each where there are none."""
    if landmarks_px is None:
        landmarks_px = np.tile(boxes_px.reshape(-1, 2, 2).mean(axis=1)[:, None], (1, 68, 1))
    return FollowedFace(boxes_px, np.float32(landmarks_px), picture_px)


def square(cut, size_px=PAPER.size_px):
    """Return left, top, right, bottom in the picture of a crop that is not turned."""
    scale = cut.to_crop[0, 0]
    np.testing.assert_allclose(cut.to_crop[:, :2], np.eye(2) * scale, atol=1e-12)
    left, top = (-0.5 - cut.to_crop[:, 2]) / scale + 0.5
    return [left, top, left + size_px / scale, top + size_px / scale]


def posed(degrees, eyes_px=(600.0, 300.0), eye_px=60.0, mouth_px=80.0):
    """Return landmarks [68, 2] with eyes this far apart and a mouth this far below, turned clockwise."""
    points = np.zeros((68, 2))
    points[36:42], points[42:48], points[48:] = (-eye_px / 2, 0), (eye_px / 2, 0), (0, mouth_px)
    points[48, 0], points[54, 0] = -20, 20
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + eyes_px


def test_a_tube_ends_where_the_box_overlaps_its_first_one_too_little():
    just_enough = boxes((1, 0, 0, 100), (1, 60, 0, 100), (1, 0, 0, 100))  # 40 / 160 = 0.25
    too_little = boxes((1, 0, 0, 100), (1, 61, 0, 100), (1, 0, 0, 100))  # 39 / 161
    assert find_tubes(just_enough, 0.25, 1024) == [range(3)]
    assert find_tubes(too_little, 0.25, 1024) == [range(1), range(1, 2), range(2, 3)]


def test_overlap_is_with_the_tubes_first_box_not_with_the_one_before():
    creeping = np.float32([(at, 0, at + 100, 100) for at in range(0, 200, 10)])
    assert find_tubes(creeping, 0.25, 1024) == [range(7), range(7, 14), range(14, 20)]


def test_a_box_that_grows_fourfold_ends_a_tube():
    assert find_tubes(boxes((5, 0, 0, 50), (5, 0, 0, 101)), 0.25, 1024) == [range(5), range(5, 10)]
    assert find_tubes(boxes((5, 0, 0, 50), (5, 0, 0, 100)), 0.25, 1024) == [range(10)]


def test_a_tube_has_at_most_so_many_frames():
    assert find_tubes(boxes((2500, 0, 0, 90)), 0.25, 1024) == [range(1024), range(1024, 2048), range(2048, 2500)]


def test_without_a_least_overlap_a_tube_ends_only_at_the_limit():
    assert find_tubes(boxes((5, 0, 0, 50), (5, 900, 0, 50)), 0, 1024) == [range(10)]


@pytest.mark.parametrize("name", ["vox", "released"])
def test_the_longest_tube_is_taken_and_its_boxes_alone_count(name):
    moving = boxes((70, 0, 0, 260), (90, 400, 100, 300), (64, 900, 0, 260))
    cut = plan_cut(face(moving), recipe(name), 64)
    assert (cut.first_frame, cut.frames, cut.tubes) == (70, 90, 3)
    assert square(cut) == pytest.approx([370, 70, 730, 430])


def test_of_equally_long_tubes_the_earliest_is_taken():
    cut = plan_cut(face(boxes((70, 400, 100, 300), (70, 0, 0, 300))), recipe("vox", max_outside=0.5), 64)
    assert (cut.first_frame, cut.frames, cut.tubes) == (0, 70, 2)


def test_a_clip_of_short_tubes_is_dropped():
    with pytest.raises(
        ClipError, match=r"unsteady: .* longest of 3 tubes has 63 frames, trim.min_frames is 64"
    ) as caught:
        plan_cut(face(boxes((63, 0, 0, 100), (63, 400, 0, 100), (10, 0, 0, 100))), recipe("vox"), 64)
    assert caught.value.reason == "unsteady"


@pytest.mark.parametrize("name", RECIPES)
def test_a_face_followed_for_too_few_frames_is_dropped(name):
    with pytest.raises(ClipError, match=r"too_short: the face is in 63 frames, trim.min_frames is 64"):
        plan_cut(face(boxes((63, 400, 100, 300))), recipe(name), 64)


@pytest.mark.parametrize("name", ["hdtf", "ffhq"])
def test_recipes_without_tubes_take_the_clip_from_its_first_frame_on(name):
    moving = boxes((150, 400, 150, 100), (150, 700, 150, 100))
    points = np.stack([posed(0)] * 300)
    cut = plan_cut(face(moving, points), recipe(name, max_frames=200), 64)
    assert (cut.first_frame, cut.frames, cut.tubes) == (0, 200, None)


def test_hdtf_widens_the_square_around_all_boxes_of_the_frames_it_takes():
    moving = boxes((150, 400, 200, 100), (50, 486, 250, 100), (50, 0, 0, 100))
    cut = plan_cut(face(moving), recipe("hdtf", margin=70 / (256 - 70) / 2, max_frames=200), 64)
    assert square(cut) == pytest.approx([365, 147, 621, 403])  # 186 widened by 35 a side
    assert cut.side_px == pytest.approx(256)


@pytest.mark.parametrize(
    ("margin", "edges"), [(0, [200, 220, 300, 320]), (0.1, [190, 210, 310, 330]), (0.25, [175, 195, 325, 345])]
)
def test_the_margin_widens_each_side_by_its_share_of_the_square(margin, edges):
    flat = np.tile(np.float32([200, 250, 300, 290]), (64, 1))
    assert square(plan_cut(face(flat), recipe("vox", margin=margin), 64)) == pytest.approx(edges)


def test_the_share_outside_is_that_of_the_worse_axis_both_ends_together():
    cut = plan_cut(face(boxes((64, -60, -20, 200))), recipe("vox", margin=0), 64)
    assert cut.outside == pytest.approx(0.3)
    flat = plan_cut(face(boxes((64, 0, -20, 200)), picture_px=(640, 160)), recipe("vox", margin=0), 64)
    assert flat.outside == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("box", "edges", "picture_px"),
    [
        ((-20, 100, 300), [0, 70, 360, 430], PICTURE_PX),
        ((1000, -50, 300), [920, 0, 1280, 360], PICTURE_PX),
        ((200, 60, 400), [240, 0, 560, 320], (640, 320)),
        ((200, 60, 400), [0, 100, 320, 420], (320, 640)),
    ],
    ids=["at the left", "in a corner", "too high for the picture", "too wide for the picture"],
)
def test_the_released_recipe_moves_the_square_into_the_picture_and_shrinks_what_does_not_fit(box, edges, picture_px):
    cut = plan_cut(face(boxes((64, *box)), picture_px=picture_px), recipe("released"), 64)
    left, top, right, bottom = square(cut)
    assert (right - left, bottom - top) == pytest.approx((edges[2] - edges[0],) * 2)
    assert [left, top, right, bottom] == pytest.approx(edges)
    assert cut.outside == 0


def test_the_released_recipe_drops_small_boxes_by_their_side_before_it_is_widened():
    small, large = boxes((64, 400, 100, 255)), boxes((64, 400, 100, 256))
    with pytest.raises(ClipError, match=r"small_face: the tube's box is 255 px, crop.min_side_px is 256"):
        plan_cut(face(small), recipe("released"), 64)
    assert square(plan_cut(face(large), recipe("released"), 64)) == pytest.approx([374, 74, 682, 382], abs=1)


def test_the_upright_square_is_the_one_computed_by_hand():
    eyes_apart = plan_cut(face(boxes((64, 0, 0, 9)), np.stack([posed(0, eye_px=60, mouth_px=50)] * 64)), FFHQ, 64)
    # centre (600, 300) + 0.1 · (0, 50); half a side max(2 · 60, 1.8 · 50) = 120; half a pixel from centres to edges
    assert square(eyes_apart) == pytest.approx([480.5, 185.5, 720.5, 425.5])
    long_face = plan_cut(face(boxes((64, 0, 0, 9)), np.stack([posed(0, eye_px=60, mouth_px=80)] * 64)), FFHQ, 64)
    # centre (600, 308); half a side max(120, 144)
    assert square(long_face) == pytest.approx([456.5, 164.5, 744.5, 452.5])


@pytest.mark.parametrize("degrees", [-40, -10, 0, 25, 90])
def test_a_rolled_face_comes_out_upright_with_its_eyes_level(degrees):
    points = np.stack([posed(degrees)] * 64)
    cut = plan_cut(face(boxes((64, 0, 0, 9)), points), FFHQ, 64)
    crop = cut.landmarks(points)[0]
    left, right, mouth = crop[36], crop[42], crop[[48, 54]].mean(axis=0)
    assert left[1] == pytest.approx(right[1], abs=1e-3)
    assert right[0] - left[0] == pytest.approx(256 * 60 / 288, abs=1e-3)
    assert mouth[0] == pytest.approx((left[0] + right[0]) / 2, abs=1e-3)
    assert mouth[1] > left[1]
    centre = (256 - 1) / 2
    assert (left[0] + right[0]) / 2 == pytest.approx(centre, abs=1e-3)
    assert left[1] == pytest.approx(centre - 0.1 * 80 * 256 / 288, abs=1e-3)


def test_one_upright_square_a_clip_is_that_of_its_median_face():
    swaying = np.stack([posed(degrees) for degrees in np.linspace(-9, 9, 65)])
    swaying[3] += 500  # a frame in which the landmarks are wrong
    cut = plan_cut(face(boxes((65, 0, 0, 9)), swaying), FFHQ, 64)
    steady = plan_cut(face(boxes((65, 0, 0, 9)), np.stack([posed(0)] * 65)), FFHQ, 64)
    np.testing.assert_allclose(cut.to_crop[:, :2], steady.to_crop[:, :2], atol=0.03)
    assert cut.side_px == pytest.approx(steady.side_px, rel=0.02)


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_squashes_a_face(name):
    points = np.tile(MEAN_FACE[:, :2] * 90 + (600, 300), (64, 1, 1))
    wide = np.tile(np.float32([420, 200, 780, 400]), (64, 1))
    across, down = plan_cut(face(wide, points, (1280, 480)), recipe(name), 64).to_crop[:, :2].T
    assert np.hypot(*across) == pytest.approx(np.hypot(*down))
    assert across @ down == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["vox", "hdtf", "ffhq"])
def test_a_square_too_far_outside_is_dropped(name):
    points = np.stack([posed(0, eyes_px=(60.0, 300.0))] * 64)
    with pytest.raises(ClipError, match=r"out_of_frame: \d+% of the crop .* crop.max_outside is 25%"):
        plan_cut(face(boxes((64, -120, 100, 400)), points), recipe(name, max_outside=0.25), 64)

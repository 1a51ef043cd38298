"""Facts about the warped head: its pictures do what its labels say."""

import cv2
import numpy as np
import pytest

from tavce.demo.head import Expression
from tavce.demo.movement import Lips, move
from tavce.demo.portrait import SIDE, load_portrait
from tavce.demo.speakers import head_of, look_of, portrait_of
from tavce.demo.warp import Warp
from tavce.faces.mean_face import head_pose
from tavce.faces.points import EYES, MOUTH, inter_ocular, mouth_opening

RIM = [(x, y) for x in (0, 63) for y in (0, 63)]


def test_warp_leaves_a_picture_whose_points_stay():
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), (0, 0), 2)
    rest = np.array([*RIM, (30, 30)], float)
    difference = np.abs(Warp(rest, 64)(picture, rest).astype(int) - picture)[1:-1, 1:-1]
    assert difference.max() <= 1


def test_warp_carries_a_spot_to_where_its_point_goes():
    picture = np.zeros((64, 64, 3), np.uint8)
    cv2.circle(picture, (30, 30), 3, (255, 255, 255), -1)
    rest = np.array([*RIM, (30, 30)], float)
    warped = Warp(rest, 64)(picture, np.array([*RIM, (36, 26)], float))[..., 0].astype(float)
    rows, columns = np.mgrid[:64, :64]
    centre = (columns * warped).sum() / warped.sum(), (rows * warped).sum() / warped.sum()
    np.testing.assert_allclose(centre, (36, 26), atol=1.0)


def test_warp_survives_a_triangle_of_no_area():
    picture = np.full((64, 64, 3), 77, np.uint8)
    rest = np.array([*RIM, (20, 30), (40, 30)], float)
    assert (Warp(rest, 64)(picture, np.array([*RIM, (20, 30), (20, 30)], float)) == 77).all()


def test_a_mouth_opens_as_far_as_it_is_told():
    landmarks = np.stack([head_of(0).frame(Expression(opening=opening))[1] for opening in np.linspace(0, 1, 11)])
    openings = mouth_opening(landmarks)
    assert openings[0] < 0.03
    assert (np.diff(openings) > 0).all()
    assert openings[-1] > 0.25


def test_an_open_mouth_is_darker_and_only_the_lower_face_moves():
    shut, points = head_of(2).frame(Expression())
    wide, _ = head_of(2).frame(Expression(opening=0.8))
    x, y = points[66].astype(int)
    assert wide[y + 6 : y + 12, x].mean() < 0.6 * shut[y + 6 : y + 12, x].mean()
    below_eyes = int(points[EYES, 1].max())
    assert np.abs(wide[:below_eyes].astype(int) - shut[:below_eyes]).max() <= 4


def test_spread_lips_are_wider_than_rounded_ones():
    width = [np.ptp(head_of(0).frame(Expression(spread=spread))[1][MOUTH, 0]) for spread in (-1, 0, 1)]
    assert width[0] < width[1] < width[2]


def test_a_blink_closes_the_eyes():
    _, points = head_of(0).frame(Expression(blink=1.0))
    assert np.abs(points[[37, 38, 43, 44], 1] - points[[41, 40, 47, 46], 1]).max() < 1.0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_head_turns_by_the_angle_of_its_label(axis):
    rotations = [tuple(0.08 * sign * np.eye(3)[axis]) for sign in (-1, 1)]
    pose = head_pose(np.stack([head_of(0).frame(Expression(rotation=rotation))[1] for rotation in rotations]))
    turned = pose.rotation[1] - pose.rotation[0]
    assert turned[axis] == pytest.approx(0.16, rel=0.2)
    assert np.abs(np.delete(turned, axis)).max() < 0.03


def test_speakers_differ_in_shape_and_colour_and_look_the_same_every_time():
    portraits = [portrait_of(look_of(speaker)) for speaker in range(8)]
    again = portrait_of(look_of(3))
    np.testing.assert_array_equal(again.picture, portraits[3].picture)
    shapes = np.stack([portrait.landmarks for portrait in portraits])
    shapes = (shapes - shapes.mean(axis=1, keepdims=True)) / inter_ocular(shapes)[:, None, None]
    for first in range(8):
        for second in range(first):
            assert np.abs(shapes[first] - shapes[second]).max() > 0.02
            assert np.abs(portraits[first].picture.astype(int) - portraits[second].picture).mean() > 4


def test_a_mirrored_speaker_keeps_the_order_of_the_points():
    portrait = portrait_of(look_of(1))
    assert portrait.landmarks[36, 0] < portrait.landmarks[45, 0]
    assert portrait.landmarks[48, 0] < portrait.landmarks[54, 0]
    assert portrait.picture.shape == (SIDE, SIDE, 3)


def test_a_missing_portrait_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr("tavce.demo.portrait.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install scikit-image"):
        load_portrait()


def test_lips_are_smooth_and_only_in_part_what_the_sound_asks_for():
    asked = np.abs(np.random.default_rng(0).standard_normal(200)).clip(0, 1)
    movement = move(asked, np.zeros(200) + asked - 0.5, seed=1)
    jump = np.abs(np.diff(movement.opening)).mean() / movement.opening.std()
    assert 0.2 < jump < 0.55
    assert 0.2 < np.corrcoef(movement.opening, asked)[0, 1] < 0.9
    assert (movement.opening.min() >= 0) & (movement.opening.max() <= 1)
    assert np.abs(movement.pose).max() < np.radians(15)
    assert movement.blink.max() == 1


def test_lips_without_smoothing_or_a_share_of_their_own_do_what_the_sound_asks_up_to_a_gain():
    asked = np.random.default_rng(0).uniform(0, 0.8, 200)
    movement = move(asked, asked - 0.5, 1, Lips(smoothing_frames=0, own_share=0))
    np.testing.assert_allclose(movement.opening / asked, movement.opening[0] / asked[0], rtol=1e-5)
    np.testing.assert_allclose(movement.spread, asked - 0.5, atol=1e-6)

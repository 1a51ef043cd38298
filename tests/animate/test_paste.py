"""Facts about frames pasted back into their picture: nothing moves, nothing changes outside, and no seam is seen."""

import numpy as np
import pytest

from tavce.animate.paste import FEATHER, PasteBack
from tavce.animate.portrait import CroppedPortrait
from tavce.faces.cutout import Cutout
from tavce.faces.recipes import Square

SIZE = 96
LEVEL = [(0.0, 96), (0.0, 60), (0.0, 140)]  # degrees, side in the picture
TURNED = [(17.0, 96), (-30.0, 60), (90.0, 120), (0.0, 95.5)]


def waves(height=201, width=301):
    """Return a picture of broad waves with odd sides."""
    rows, columns = np.indices((height, width))
    found = [np.sin(columns / 17) + np.cos(rows / 23), np.sin((rows + columns) / 29), np.cos((rows - columns) / 19)]
    return np.stack([128 + 50 * wave for wave in found], axis=2).astype(np.uint8)


def cropped(picture, centre_px=(150, 100), side_px=96.0, degrees=0.0):
    """Return a square of a picture as `crop_portrait` returns a face."""
    angle = np.radians(degrees)
    right = np.array([np.cos(angle), np.sin(angle)]) if degrees else np.array([1.0, 0.0])
    to_crop = Square(np.float64(centre_px), right * side_px / 2).to_crop(SIZE)
    face = Cutout(to_crop, SIZE)(picture)
    return CroppedPortrait(face, np.zeros(70, np.float32), 0.3, to_crop, picture, 1)


def covered(portrait, shape):
    """Return at which pixels of a picture the crop lies, bool [H, W]."""
    y, x = np.indices(shape[:2])
    places = portrait.to_crop[:, :2] @ np.stack([x.ravel(), y.ravel()]) + portrait.to_crop[:, 2:]
    return ((places >= -0.5) & (places <= SIZE - 0.5)).all(axis=0).reshape(shape[:2])


@pytest.mark.parametrize(("degrees", "side_px"), LEVEL + TURNED)
def test_a_crop_pasted_back_is_the_picture(degrees, side_px):
    portrait = cropped(waves(), side_px=side_px, degrees=degrees)
    pasted = PasteBack(portrait)(portrait.picture)
    assert pasted.shape == (200, 300, 3)
    change = np.abs(pasted - waves()[:200, :300].astype(int))
    assert change.max() <= 4
    assert change.mean() < 0.3


def test_a_crop_of_the_pictures_own_pixels_pasted_back_changes_nothing_at_all():
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    portrait = cropped(picture)
    np.testing.assert_array_equal(PasteBack(portrait)(portrait.picture), picture)


@pytest.mark.parametrize(("degrees", "side_px"), LEVEL + TURNED)
def test_outside_of_the_crop_every_bit_stays(degrees, side_px):
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    portrait = cropped(picture, side_px=side_px, degrees=degrees)
    pasted = PasteBack(portrait)(np.full_like(portrait.picture, 255))
    inside = covered(portrait, picture.shape)
    np.testing.assert_array_equal(pasted[~inside], picture[~inside])
    assert (pasted[95:105, 145:155] == 255).all()


@pytest.mark.parametrize(("degrees", "side_px"), LEVEL + TURNED)
def test_a_frame_of_another_brightness_has_no_seam(degrees, side_px):
    picture = np.full((200, 300, 3), 100, np.uint8)
    portrait = cropped(picture, side_px=side_px, degrees=degrees)
    pasted = PasteBack(portrait)(portrait.picture + np.uint8(40)).astype(int)
    steepest = 40 * np.pi / 2 / (FEATHER * side_px)  # of half a wave that rises by 40
    assert pasted[100, 150].tolist() == [140] * 3
    for axis in (0, 1):
        assert np.abs(np.diff(pasted, axis=axis)).max() <= 1.5 * steepest + 1


def test_a_frame_is_seen_in_full_but_for_its_rim():
    portrait = cropped(np.zeros((200, 300, 3), np.uint8), side_px=140)
    pasted = PasteBack(portrait)(np.full_like(portrait.picture, 200))
    assert (pasted == 200).all(axis=2).sum() == pytest.approx((140 * (1 - 2 * FEATHER)) ** 2, rel=0.15)


@pytest.mark.parametrize("degrees", [0.0, 20.0])
@pytest.mark.parametrize("centre_px", [(10, 20), (290, 190)])
def test_of_a_crop_that_reaches_out_of_the_picture_the_inside_is_pasted(centre_px, degrees):
    picture = waves()
    portrait = cropped(picture, centre_px, degrees=degrees)
    paste = PasteBack(portrait)
    assert np.abs(paste(portrait.picture) - picture[:200, :300].astype(int)).max() <= 4
    bright = paste(np.full_like(portrait.picture, 255))
    corner = (0, 0) if centre_px[0] < 100 else (-1, -1)
    if degrees == 0:
        assert (bright[corner] > 220).all()  # the picture's border is no border of the crop


def test_a_large_picture_is_shrunk_and_the_face_stays_in_its_place():
    picture = waves(402, 602)
    portrait = cropped(picture, (300, 200), side_px=192)
    pasted = PasteBack(portrait, longest_px=301)(portrait.picture)
    assert pasted.shape == (200, 300, 3)
    plain = PasteBack(cropped(picture, (20, 20), side_px=8), longest_px=301)(portrait.picture * 0)
    assert np.abs(pasted[60:140, 100:200] - plain[60:140, 100:200].astype(int)).max() <= 3


def test_frames_do_not_leave_traces_in_the_next():
    portrait = cropped(waves())
    paste = PasteBack(portrait)
    first = paste(portrait.picture)
    paste(portrait.picture * 0)
    np.testing.assert_array_equal(paste(portrait.picture), first)

"""Facts about pictures that are cut out: shrunk without moire, reflected where they end, the same by either way."""

import cv2
import numpy as np
import pytest

from tavce.faces.cutout import Cutout
from tavce.faces.recipes import Square


def cut_out(picture, centre_px, side_px, size_px, degrees=0.0):
    """Return a square of the picture as a crop."""
    angle = np.radians(degrees)
    right = np.array([np.cos(angle), np.sin(angle)]) * side_px / 2
    right = right if degrees else np.array([side_px / 2, 0.0])
    return Cutout(Square(np.float64(centre_px), right).to_crop(size_px), size_px)(picture)


def checkerboard(height=480, width=640):
    rows, columns = np.indices((height, width))
    return np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def smooth(height=300, width=400):
    """Return a picture of broad waves, which no way of sampling changes much."""
    rows, columns = np.indices((height, width))
    waves = [np.sin(columns / 17) + np.cos(rows / 23), np.sin((rows + columns) / 29), np.cos((rows - columns) / 19)]
    return np.stack([128 + 60 * wave for wave in waves], axis=2).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 1, 17, 45])
@pytest.mark.parametrize("side_px", [256, 237.5])
def test_a_fine_checkerboard_shrunk_is_grey_without_moire(degrees, side_px):
    side_px = side_px if degrees else round(side_px)
    crop = cut_out(checkerboard(), (320, 240), side_px, 64, degrees)
    assert crop.mean() == pytest.approx(127.5, abs=1)
    assert crop.std() < 3


def test_turning_without_shrinking_first_would_show_moire():
    to_crop = Square(np.array([320.0, 240.0]), 128 * np.array([np.cos(0.3), np.sin(0.3)])).to_crop(64)
    assert cv2.warpAffine(checkerboard(), to_crop, (64, 64), flags=cv2.INTER_CUBIC).std() > 40


@pytest.mark.parametrize("size_px", [64, 96, 160])
def test_a_square_that_is_hardly_turned_is_the_level_one(size_px):
    level = cut_out(smooth(), (200, 150), 120, size_px)
    turned = cut_out(smooth(), (200, 150), 120, size_px, degrees=1e-4)
    assert np.abs(level.astype(int) - turned).mean() < 0.7


def test_a_quarter_turn_is_the_picture_turned():
    level = cut_out(smooth(), (200, 150), 96, 96)
    np.testing.assert_allclose(cut_out(smooth(), (200, 150), 96, 96, degrees=90), np.rot90(level), atol=1)


@pytest.mark.parametrize("degrees", [0, 1e-4])
def test_beyond_each_edge_is_the_reflection(degrees):
    picture = smooth(100, 100)
    crop = cut_out(picture, (60, 40), 120, 120, degrees).astype(int)
    np.testing.assert_allclose(crop[20:, :100], picture, atol=2)
    np.testing.assert_allclose(crop[:20, :100], picture[:20][::-1], atol=2)
    np.testing.assert_allclose(crop[20:, 100:], picture[:, 80:][:, ::-1], atol=2)


def test_a_square_half_outside_is_still_reflected_once():
    picture = smooth(100, 100)
    crop = cut_out(picture, (0, 50), 100, 100).astype(int)
    np.testing.assert_array_equal(crop[:, :50], picture[:, :50][:, ::-1])
    turned = cut_out(picture, (0, 50), 100, 100, degrees=1e-4).astype(int)
    np.testing.assert_allclose(turned, crop, atol=2)

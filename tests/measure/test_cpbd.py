"""Facts about CPBD: hand-computed edges, a plain reference beside it, and what it makes of spoilt pictures."""

import cv2
import numpy as np
import pytest
import skimage.data
from scipy.ndimage import convolve

from tavce.measure.cpbd import cpbd
from tavce.measure.measurements import MeasurementError
from tavce.measure.spoil import STRENGTHS, spoil

PORTRAIT = np.ascontiguousarray(skimage.data.astronaut()[:256, 96:352])
PACKAGE = {  # what the package cpbd 1.0.7 gives for the luma of these pictures
    "portrait": (PORTRAIT, 0.4949),
    "coffee": (skimage.data.coffee(), 0.6114),
    "blur": (cv2.GaussianBlur(PORTRAIT, (0, 0), 1), 0.1284),
    "small": (cv2.resize(PORTRAIT, (64, 64), interpolation=cv2.INTER_AREA), 0.5934),
}


def step(*rises: int, side: int = 64) -> np.ndarray:
    """Return a frame whose rows get brighter by these steps in its middle, from a level of 50."""
    row = np.full(side, 50, np.uint8)
    row[side // 2 - len(rises) // 2 :] += sum(rises)
    row[side // 2 - len(rises) // 2 :][: len(rises)] = 50 + np.cumsum(rises)
    return np.tile(row[None, :, None], (side, 1, 3))


SHARP, SOFT = step(60, 60), step(5, 10, 20, 25, 25, 20, 10, 5)


def plain(frame: np.ndarray) -> float:
    """Return CPBD as the paper writes it, edge by edge, with the probability of every one."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(float)
    squared = (convolve(grey, np.outer([1, 2, 1], [1, 0, -1])) / 8) ** 2
    kept = np.where(squared > 2 * np.sqrt(squared.mean()), squared, 0)
    probabilities = []
    for top in range(0, grey.shape[0] - 63, 64):
        for left in range(0, grey.shape[1] - 63, 64):
            block = grey[top : top + 64, left : left + 64]
            noticeable = 5 if np.ptp(block) <= 50 else 3
            edges = [at for at in np.ndindex(64, 64) if is_edge(kept, top + at[0], left + at[1])]
            if len(edges) > 0.002 * 64**2:
                widths = [width_of(grey, top + row, left + column) for row, column in edges]
                probabilities += [1 - np.exp(-((width / noticeable) ** 3.6)) for width in widths if width]
    return float(np.mean(np.array(probabilities) <= 1 - 1 / np.e))


def is_edge(kept: np.ndarray, row: int, column: int) -> bool:
    if not (0 < row < kept.shape[0] - 1 and 0 < column < kept.shape[1] - 1):
        return False
    here = kept[row, column]
    return here > max(kept[row, column - 1], kept[row, column + 1]) or here > max(kept[row - 1 : row + 2 : 2, column])


def width_of(grey: np.ndarray, row: int, column: int) -> int:
    """Return the edge's width in px; 0 where it does not cross the row."""
    right = grey[row, column + 1] - grey[row, column - 1]
    angle = np.degrees(np.arctan2(grey[row + 1, column] - grey[row - 1, column], right)) if right else 0
    if round(angle / 45) not in (-4, 0, 4):
        return 0
    line, sign = grey[row], -1 if right < 0 else 1
    first, last = column - 1, column + 1
    while first > 0 and (line[first] - line[first - 1]) * sign > 0:
        first -= 1
    while last < len(line) - 1 and (line[last + 1] - line[last]) * sign > 0:
        last += 1
    return last - first


@pytest.mark.parametrize(
    ("rises", "sharp"),
    [
        ((20, 20), 1),
        ((2, 8, 20, 5, 5), 1),  # 5 px are just noticeable up to a contrast of 50
        ((2, 8, 20, 5, 15), 1),
        ((2, 8, 20, 5, 16), 0),
        ((2, 8, 20, 5, 3, 2), 0),
        ((60, 60), 1),
        ((10, 60, 50), 1),  # 3 px above it
        ((10, 50, 50, 10), 0),
    ],
)
def test_a_block_of_little_contrast_bears_wider_edges(rises, sharp):
    assert cpbd(step(*rises)) == sharp


def test_a_darkening_edge_is_as_sharp_as_a_brightening_one():
    assert cpbd(SHARP[:, ::-1].copy()) == 1
    assert cpbd(SOFT[:, ::-1].copy()) == 0


def test_an_edge_that_runs_along_the_row_is_not_measured():
    with pytest.raises(MeasurementError, match="no edges that CPBD could measure"):
        cpbd(SHARP.transpose(1, 0, 2).copy())


def test_a_blank_frame_has_no_sharpness():
    with pytest.raises(MeasurementError, match="no edges"):
        cpbd(np.full((64, 64, 3), 90, np.uint8))


def test_every_edge_counts_as_much():
    """Two blocks: in one a sharp edge in each of 64 rows, in the other a soft one in 32."""
    both = np.concatenate([SHARP, SOFT[:, ::-1]], axis=1)
    both[32:, 64:] = 50
    below = both[31:33, 64:]  # where the soft edges end, the rows of both sides have none
    assert (below[0] != below[1]).any()
    assert cpbd(both) == pytest.approx(plain(both))
    assert 0.6 < cpbd(both) < 0.7


@pytest.mark.parametrize("side", [(64, 64), (130, 70), (64, 200)])
@pytest.mark.parametrize("blur", [0, 0.6])
def test_it_is_the_plain_formula(side, blur):
    picture = PORTRAIT[100 : 100 + side[0], 40 : 40 + side[1]].copy()
    picture = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
    assert cpbd(picture) == pytest.approx(plain(picture), abs=1e-12)


@pytest.mark.parametrize("name", [*PACKAGE])
def test_it_agrees_with_the_package_that_others_measured_with(name):
    picture, expected = PACKAGE[name]
    assert cpbd(picture) == pytest.approx(expected, abs=2e-4)


def test_a_frame_smaller_than_a_block_has_none():
    with pytest.raises(MeasurementError, match="frames of 100 × 63 px are smaller than the 64 px block"):
        cpbd(PORTRAIT[:63, :100])


def test_what_fills_no_block_is_left_out():
    framed = cv2.copyMakeBorder(SHARP, 0, 40, 0, 40, cv2.BORDER_REPLICATE)
    framed[64:] = framed[64:, ::-1]
    assert cpbd(framed) == 1


def test_frames_of_another_type_are_refused():
    with pytest.raises(ValueError, match=r"it must be uint8 \[H, W, 3\]"):
        cpbd(PORTRAIT.astype(np.float32))
    with pytest.raises(ValueError, match=r"it must be uint8 \[H, W, 3\]"):
        cpbd(PORTRAIT[..., 0])


def test_blur_lowers_and_noise_raises_it():
    values = {how: [cpbd(spoil(PORTRAIT, how, strength)) for strength in STRENGTHS[how]] for how in STRENGTHS}
    own = cpbd(PORTRAIT)
    assert own > values["blur"][0] > values["blur"][1] > values["blur"][2]
    assert own < values["noise"][0] < values["noise"][1] < values["noise"][2]
    assert np.ptp([own, *values["jpeg"]]) < 0.1

"""The one portrait the demo's heads are made of, and its crop around the face.

Source  NASA portrait of E. Collins, public domain, packaged with scikit-image as `astronaut.png`; its 68
        landmarks were set once and are kept here. Nothing is downloaded and scikit-image is not imported.
Shapes: S side of a crop in px; landmarks [68, 2] x, y px.
"""

from dataclasses import dataclass
from importlib import util
from pathlib import Path

import cv2
import numpy as np

from tavce.faces.points import OUTER_EYE_CORNERS

SIDE = 256
HEADROOM = 0.03  # the face sits lower than the middle, fraction of the side
NOSE_TIP, JAW_ENDS = 30, (0, 16)

_LANDMARKS = """
    179 104  179 116  180 127  181 139  185 151  191 160  200 169  209 176  221 178  232 177  243 171  253 164
    260 154  265 144  268 132  270 120  272 108  186 94  192 88  200 87  208 89  216 92  236 93  244 91
    252 91  260 92  265 98  225 103  225 111  225 119  225 127  214 131  219 132  224 134  229 133  234 132
    195 101  200 98  207 98  212 104  206 104  199 104  238 105  244 101  250 101  255 104  250 107  244 106
    201 140  209 139  218 139  223 141  229 140  237 140  245 141  237 151  229 155  222 156  216 155  208 150
    204 141  217 143  223 144  229 143  243 142  229 150  223 150  217 150
"""


@dataclass(frozen=True)
class Portrait:
    """A picture of one face, uint8 [H, W, 3] RGB, and its landmarks, float [68, 2] px."""

    picture: np.ndarray
    landmarks: np.ndarray


def load_portrait() -> Portrait:
    """Return the whole portrait, 512 by 512.

    Raises:
        FileNotFoundError: scikit-image is not installed.
    """
    package = util.find_spec("skimage")
    path = Path(package.submodule_search_locations[0], "data", "astronaut.png") if package else None
    if path is None or not path.is_file():
        raise FileNotFoundError("the demo's portrait comes with scikit-image: pip install scikit-image")
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return Portrait(picture, np.array(_LANDMARKS.split(), float).reshape(68, 2))


def crop_head(portrait: Portrait, widths: float) -> Portrait:
    """Return the upright square of SIDE px around the face, `widths` face widths wide."""
    points = portrait.landmarks
    left, right = points[list(JAW_ENDS)]
    across, down = points[OUTER_EYE_CORNERS[1]] - points[OUTER_EYE_CORNERS[0]]
    centre = (left + right) / 4 + points[NOSE_TIP] / 2
    scale = SIDE / (np.linalg.norm(right - left) * widths)
    to_crop = cv2.getRotationMatrix2D(tuple(centre), np.degrees(np.arctan2(down, across)), scale)
    to_crop[:, 2] += SIDE / 2 - centre + (0, HEADROOM * SIDE)
    picture = cv2.warpAffine(
        portrait.picture, to_crop, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return Portrait(picture, points @ to_crop[:, :2].T + to_crop[:, 2])

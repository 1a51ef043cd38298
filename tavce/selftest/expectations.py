"""What every metric must do with clips whose answer is known, as data.

A clip beside itself has the ideal value; sound that is moved moves the offset by as much; frames that are spoilt more
are further from the ideal. Of a metric that is in no table, nothing is known that holds for every clip.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tavce.measure.spoil import STRENGTHS

Way = Literal["falls", "rises"]


@dataclass(frozen=True)
class Ideal:
    """The value of a clip beside itself, and how far rounding may take a number from it.

    held: of a clip of its first frame alone, as the metric compares all frames with that one.
    """

    value: float
    within: float
    held: bool = False


IDEALS: Mapping[str, Ideal] = {
    "ssim": Ideal(1, 1e-6),
    "lpips": Ideal(0, 1e-6),
    "fid": Ideal(0, 1e-3),
    "fd_mobilenetv2": Ideal(0, 1e-3),
    "csim": Ideal(1, 1e-4, held=True),
    "csim_dlib128": Ideal(1, 1e-4, held=True),
    "lmd_mouth": Ideal(0, 1e-6),
    "lmd_face": Ideal(0, 1e-6),
}
INFINITE: Mapping[str, str] = {"psnr": "frames are identical to the reference"}  # metric → words of its reason
LARGEST: Mapping[str, int | None] = {"av_offset": None, "sync_offset": 15}  # offset looked for; None: as set
SHIFTS = (-5, 3)  # frames; above 0 the sound is early
FALLS: Mapping[str, Way] = dict.fromkeys(STRENGTHS, "falls")
RISES: Mapping[str, Way] = dict.fromkeys(STRENGTHS, "rises")
SPOILT: Mapping[str, Mapping[str, Way]] = {  # metric → what spoils frames → the way the metric goes
    "psnr": FALLS,
    "ssim": FALLS,
    "lpips": RISES,
    "cpbd": {"blur": "falls", "noise": "rises"},  # JPEG's blocks are sharp edges: it goes either way
    "fid": RISES,
    "fd_mobilenetv2": RISES,
}
UNKNOWN = "nothing is known that it must do with every clip"
ASKED = {*IDEALS, *INFINITE, *LARGEST, *SPOILT}

"""How a speaking head moves over a clip: life-like lips, blinks, and a swaying head.

Real lips move smoothly, and only in part as the sound says. The numbers were set so that the change from frame
to frame, relative to the spread, is that of a real 30-fps talking clip (0.38).
Shapes: T frames at 25 fps.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tavce.demo.head import Expression
from tavce.demo.speech import RATE_HZ

OWN_SMOOTHING_FRAMES = 2.0
REGAIN = 1.25  # what smoothing takes away
GAIN_SPREAD = 0.15
SWAY_HZ = (0.13, 0.31, 0.57)
SWAY_RAD = (0.040, 0.055, 0.025)  # pitch, yaw, roll: of one wave at most
NOD_RAD = 0.05  # pitch at full loudness: heads dip with stress
NOD_SMOOTHING_FRAMES = 5.0
BLINK = (0.5, 1.0, 1.0, 0.6, 0.2)
BLINK_PAUSE_FRAMES = (50, 130)


@dataclass(frozen=True)
class Lips:
    """How lips follow the sound; the defaults are life-like."""

    smoothing_frames: float = 1.6  # of the Gaussian they are smoothed with; 0: they jump as the sound does
    own_share: float = 0.35  # movement the sound does not explain, in standard deviations of what it does


LIFELIKE = Lips()


@dataclass(frozen=True)
class Movement:
    """The labels of a clip, float32, one row a frame."""

    opening: np.ndarray  # [T] 0..1
    spread: np.ndarray  # [T] -1..1
    blink: np.ndarray  # [T] 0..1
    pose: np.ndarray  # [T, 3] pitch, yaw, roll from the portrait's own, radians

    def expressions(self) -> list[Expression]:
        """Return the frames' expressions."""
        rows = zip(self.opening.tolist(), self.spread.tolist(), self.blink.tolist(), self.pose.tolist(), strict=True)
        return [Expression(opening, spread, blink, tuple(pose)) for opening, spread, blink, pose in rows]


def move(opening: np.ndarray, spread: np.ndarray, seed: int, lips: Lips = LIFELIKE) -> Movement:
    """Return the movement of a clip from what its sound asks of the lips, [T] each."""
    random = np.random.default_rng(seed)
    gain = random.uniform(1 - GAIN_SPREAD, 1 + GAIN_SPREAD)
    heard, widened = (_smoothed(asked, lips.smoothing_frames) for asked in (opening, spread))
    opened = np.clip(gain * (heard + lips.own_share * heard.std() * _own_movement(random, len(heard))), 0, 1)
    widened = np.clip(widened + lips.own_share * widened.std() * _own_movement(random, len(widened)), -1, 1)
    pose = _sway(random, len(opened))
    stress = gaussian_filter1d(opening, NOD_SMOOTHING_FRAMES)
    pose[:, 0] += NOD_RAD * (stress - stress.mean())
    tracks = (opened, widened, _blinks(random, len(opened)), pose)
    return Movement(*(track.astype(np.float32) for track in tracks))


def _smoothed(asked: np.ndarray, smoothing_frames: float) -> np.ndarray:
    return REGAIN * gaussian_filter1d(asked, smoothing_frames) if smoothing_frames else asked


def _own_movement(random: np.random.Generator, frames: int) -> np.ndarray:
    """Return smooth noise [T] of mean 0 and standard deviation 1."""
    noise = gaussian_filter1d(random.standard_normal(frames), OWN_SMOOTHING_FRAMES)
    return (noise - noise.mean()) / noise.std()


def _sway(random: np.random.Generator, frames: int) -> np.ndarray:
    """Return a slow turning of the head [T, 3], radians."""
    time_s = np.arange(frames)[:, None, None] / RATE_HZ
    size = random.uniform(0.3, 1.0, (3, len(SWAY_HZ))) * np.array(SWAY_RAD)[:, None]
    phase = random.uniform(0, 2 * np.pi, (3, len(SWAY_HZ)))
    return (size * np.sin(2 * np.pi * np.array(SWAY_HZ) * time_s + phase)).sum(axis=2)


def _blinks(random: np.random.Generator, frames: int) -> np.ndarray:
    """Return how far the lids are closed [T]."""
    blink = np.zeros(frames)
    start = int(random.integers(20, 60))
    while start + len(BLINK) <= frames:
        blink[start : start + len(BLINK)] = BLINK
        start += int(random.integers(*BLINK_PAUSE_FRAMES))
    return blink

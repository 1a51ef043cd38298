"""A talking head of the demo on a 640 × 480 picture, as a video with sound."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from tavce.demo.movement import Movement, move
from tavce.demo.plan import VOICES
from tavce.demo.render import FORMAT
from tavce.demo.speakers import head_of
from tavce.demo.speech import SAMPLE_RATE_HZ, articulation, speak
from tavce.media import write_video

WIDTH_PX, HEIGHT_PX = 640, 480
LEFT_PX, TOP_PX = 192, 112  # of the head's square
LONGEST_S = 10.0
TEXT = (
    "The old captain opened the window before the storm came over the mountain, and a young doctor bought five "
    "apples. My brother carried a wooden boat while everybody was sleeping upstairs, and every farmer watched."
)


def write_talking_clip(path: Path, scale: float = 1) -> None:
    """Write about ten seconds of a talking head, 25 frames a second; `scale` enlarges the picture."""
    wave = speak(TEXT, VOICES[0], LONGEST_S)
    frames = _frames(move(*articulation(wave), seed=0))
    size = round(scale * WIDTH_PX), round(scale * HEIGHT_PX)
    write_video(path, (cv2.resize(frame, size) for frame in frames), wave, FORMAT)


def speech() -> np.ndarray:
    """Return the clip's sound, float32 [N] at SAMPLE_RATE_HZ."""
    return speak(TEXT, VOICES[0], LONGEST_S)


def speech_seconds(wave: np.ndarray) -> float:
    """Return how long a wave lasts."""
    return len(wave) / SAMPLE_RATE_HZ


def _frames(movement: Movement) -> Iterator[np.ndarray]:
    """Yield uint8 [480, 640, 3] pictures: the head before a wall with a grain."""
    head, wall = head_of(0), _wall()
    for expression in movement.expressions():
        face, _ = head.frame(expression)
        picture = wall.copy()
        picture[TOP_PX : TOP_PX + face.shape[0], LEFT_PX : LEFT_PX + face.shape[1]] = face
        yield picture


def _wall() -> np.ndarray:
    grain = np.random.default_rng(0).integers(0, 60, (HEIGHT_PX // 4, WIDTH_PX // 4, 3), np.uint8)
    return 80 + cv2.resize(grain, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)

"""Three stand-ins for other methods, made from real videos: what a table should say of each is known.

`python tests/other_methods.py GROUND_TRUTH OUT` writes OUT/{shifted,blurred,static}/CLIP_ID.mp4 of every mp4.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tavce import media

RATE_HZ, SAMPLE_RATE_HZ = 25, 16_000
SHAPE = media.VideoFormat(RATE_HZ, SAMPLE_RATE_HZ, crf=10, preset="veryfast")
Change = Callable[[list[np.ndarray], np.ndarray], tuple[list[np.ndarray], np.ndarray]]


def shifted(source: Path, out: Path, frames: int = 5) -> None:
    """Write the videos of a folder with their sound so many frames later: the picture is ahead."""
    late = np.zeros(frames * SAMPLE_RATE_HZ // RATE_HZ, np.float32)
    _rewrite(source, out, lambda pictures, wave: (pictures, np.concatenate([late, wave])[: len(wave)]))


def blurred(source: Path, out: Path, sigma_px: float = 2.0) -> None:
    """Write the videos of a folder, blurred by a Gaussian."""
    _rewrite(source, out, lambda pictures, wave: ([cv2.GaussianBlur(p, (0, 0), sigma_px) for p in pictures], wave))


def static(source: Path, out: Path) -> None:
    """Write the videos of a folder with their first frame held."""
    _rewrite(source, out, lambda pictures, wave: ([pictures[0]] * len(pictures), wave))


def _rewrite(source: Path, out: Path, change: Change) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.mp4")):
        pictures = [*media.decode(path)]
        wave = media.read_wave(path, SAMPLE_RATE_HZ)[: len(pictures) * SAMPLE_RATE_HZ // RATE_HZ]
        media.write_video(out / path.name, *change(pictures, wave), SHAPE)


def main(source: Path, out: Path) -> None:
    """Write all three."""
    for method in (shifted, blurred, static):
        method(source, out / method.__name__)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

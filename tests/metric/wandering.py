"""Made-up embedded clips whose faces wander, and whose voice wanders alike, but earlier where it is shifted."""

import numpy as np

from tavce.metric.embedding import Embedded

FRAMES = 120


def clip(seed: int, voices: np.ndarray | None = None, shift: int = 0) -> Embedded:
    """Return a clip whose faces wander at random, and whose voice does alike but `shift` frames earlier."""
    random = np.random.default_rng(seed)
    walk = random.normal(size=(FRAMES + 40, 16)).cumsum(axis=0)
    pixels = np.cumsum(random.normal(size=(FRAMES, 5)), axis=0)
    return Embedded(
        voices=walk[20 + shift : 20 + shift + FRAMES] if voices is None else voices,
        faces=walk[20 : 20 + FRAMES],
        pixel_change=np.linalg.norm(pixels[:, None] - pixels, axis=2),
        opening=np.abs(pixels[:, 0]),
        centre=pixels[:, 1:3],
        sound=walk[20 : 20 + FRAMES, :4],
    )


def ramp() -> np.ndarray:
    """Return voices that change alike at every moment: those of a metric that does not listen."""
    return np.arange(FRAMES)[:, None] * np.ones(16)

"""The lag between sound and picture, from a trained metric: where both change most alike.

The sign is SyncNet's, video − audio: above 0 the sound is early. Shapes: T frames.
"""

import numpy as np

from tavce.config.learning import Metric
from tavce.metric.embedding import Embedded, alike, changes

MAX_LAG = 15  # frames
FEWEST = 10  # pairs of frames that are to meet at the largest lag


def frames_needed(spacing: int) -> int:
    """Return the fewest frames of a clip whose lag can be told."""
    return MAX_LAG + FEWEST + spacing


def similarity_by_lag(clip: Embedded, recipe: Metric) -> dict[int, float]:
    """Return the mean similarity at every lag of −15 … 15 frames; the clip has `frames_needed` frames."""
    voice, face = changes(clip.voices, recipe.spacing), changes(clip.faces, recipe.spacing)
    return {lag: float(alike(*overlap(voice, face, lag), recipe).mean()) for lag in range(-MAX_LAG, MAX_LAG + 1)}


def best_lag(means: dict[int, float]) -> int:
    """Return the lag with the largest mean, of several the one nearest to 0."""
    return max(means, key=lambda lag: (means[lag], -abs(lag)))


def overlap(voice: np.ndarray, face: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows where voice t − lag meets face t."""
    count = len(face) - abs(lag)
    return voice[max(-lag, 0) :][:count], face[max(lag, 0) :][:count]

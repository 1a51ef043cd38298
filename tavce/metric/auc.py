"""The area under the ROC curve over the pairs of several clips, and how sure it is.

Shapes: K clips, n values of one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLED = 1000  # draws of as many clips, for the interval
LEVEL = 95  # per cent


@dataclass(frozen=True)
class Area:
    """An AUC, 0 … 1, 0.5 being a guess; the interval is None for a single clip."""

    value: float
    interval: tuple[float, float] | None = None


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the chance that a positive value exceeds a negative one, ties counting half."""
    return float(_wins(np.asarray(positive), np.sort(negative)).mean() / len(negative))


def area(positive: Sequence[np.ndarray], negative: Sequence[np.ndarray]) -> Area | None:
    """Return the AUC of all clips' values together, with its interval by drawing clips anew (a bootstrap, seeded).

    Frames of a clip are alike, so that frames drawn anew would look far surer than they are.

    Args:
        positive: [n] of each of K clips.
        negative: [m] of each of the same clips.
    """
    owners = np.repeat(np.arange(len(positive)), [len(own) for own in positive])
    values = np.concatenate([*positive])
    wins = np.stack([np.bincount(owners, _wins(values, np.sort(other)), len(positive)) for other in negative], axis=1)
    pairs = np.outer([len(own) for own in positive], [len(other) for other in negative])
    if not pairs.sum():
        return None
    value = float(wins.sum() / pairs.sum())
    clips = len(positive)
    if clips == 1:
        return Area(value)
    drawn = np.random.default_rng(0).multinomial(clips, np.full(clips, 1 / clips), RESAMPLED).astype(float)
    won, met = (np.einsum("ri,ij,rj->r", drawn, table, drawn, optimize=True) for table in (wins, pairs))
    low, high = np.percentile(won[met > 0] / met[met > 0], [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return Area(value, (float(low), float(high)))


def _wins(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how many of the others, in order, every value exceeds, ties counting half."""
    return (np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")) / 2

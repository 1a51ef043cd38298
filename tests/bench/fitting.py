"""Costs from times: what each clip, second or megapixel adds, never less than nothing."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls


def costs_of_two(spent: Mapping[int, float]) -> dict[str, float]:
    """Return the costs to start and for a clip, from the times of two counts of clips, seconds."""
    (few, short), (many, long) = sorted(spent.items())
    clip_s = max(0.0, (long - short) / (many - few))
    return {"job_s": short - few * clip_s, "clip_s": clip_s}


def best_fit(given: Sequence[Sequence[float]], took: Sequence[float], terms: Sequence[str]) -> dict[str, float]:
    """Return the costs of the terms, none below zero, that come closest in least squares.

    Args:
        given: [jobs, terms] how much of each term every job had.
        took: [jobs] what it took.
        terms: their names.
    """
    values, _ = nnls(np.array(given, float), np.array(took, float))
    return dict(zip(terms, values.tolist(), strict=True))

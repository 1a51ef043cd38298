"""How sure a mean over clips is, and whether two methods differ: clips of one speaker are not independent.

Shapes: n clips, S speakers, D draws. The speaker is the unit that is drawn anew and whose sign is flipped.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

ROUNDING = 1e-12  # of the summed sizes: what differs by less is equal
NO_ERROR = 1e-9  # of a draw's sum of squares: below, its error is 0 and the rest is rounding
FLIPS_AT_ONCE = 4096  # so that many draws of many speakers need little memory


@dataclass(frozen=True)
class Interval:
    """A mean over clips and its interval; `low` and `high` are None where no interval can be had."""

    mean: float
    low: float | None
    high: float | None
    clips: int
    clusters: int

    @property
    def why_no_interval(self) -> str | None:
        """Why there is no interval; None where there is one."""
        if self.low is not None:
            return None
        speakers = f"{self.clusters} speaker{'s' * (self.clusters != 1)}"
        return f"{speakers}, of whom too few differ: drawn anew, they are too often all alike"


@dataclass(frozen=True)
class Test:
    """A paired comparison: the mean difference over clips, its interval, and the p-value of no difference."""

    __test__ = False  # pytest takes a class of this name for tests

    difference: float
    low: float | None
    high: float | None
    p: float
    pairs: int
    clusters: int


def cluster_interval(values: np.ndarray, clusters: Sequence[str], draws: int, alpha: float, seed: int) -> Interval:
    """Return the mean over clips with its interval: a symmetric bootstrap-t over speakers.

    The half-width is the jackknife's standard error over speakers times the 1 − alpha quantile of |t| over `draws`
    samples of S speakers, drawn with replacement; t divides by the sample's sandwich error. The first error is the
    larger one, which makes up for speakers with very different numbers of clips. A draw whose error is 0 counts as
    infinitely far off; where they are too many, as with three speakers or fewer, there is no interval.

    Coverage of 95 % in 5000 simulations each (1 to 20 clips a speaker, a speaker effect as large as the clips' noise,
    999 draws), for 8, 20, 40 speakers: 96.2, 95.6, 95.1 % where both are normal; 94.5, 94.0, 94.7 % where both are
    skewed (lognormal, σ 0.5); 93.1, 93.9, 93.7 % where both are exponential. Plain percentiles had 87, 91, 93 % where
    both are normal. With 4 to 6 normal speakers it was 96 to 98 %.

    Args:
        values: [n] numbers of the clips.
        clusters: [n] speakers of the clips.
        draws: D, bootstrap samples.
        alpha: error rate, 0.05 for an interval of 95 %.
        seed: of the draws.

    Raises:
        ValueError: there is no clip, a number is not finite, or values and speakers are not as many.

    Source: P. Hall, "On symmetric bootstrap confidence intervals", 1988; A. C. Cameron, J. B. Gelbach, D. L. Miller,
    "Bootstrap-based improvements for inference with clustered errors", 2008.
    """
    sums, counts = _by_cluster(values, clusters)
    n, speakers = int(counts.sum()), len(counts)
    mean = math.fsum(values) / n
    centred = sums - counts * mean  # so that squares do not cancel
    centred[abs(centred) <= ROUNDING * math.fsum(map(abs, values))] = 0
    weights = _weights(speakers, draws, seed)
    quantile = float(np.quantile(_sizes_of_t(centred, counts, weights), 1 - alpha, method="higher"))
    if not math.isfinite(quantile):
        return Interval(mean, None, None, n, speakers)
    half = quantile * _jackknife_error(centred, counts)
    return Interval(mean, mean - half, mean + half, n, speakers)


def paired_test(differences: np.ndarray, clusters: Sequence[str], draws: int, alpha: float, seed: int) -> Test:
    """Return the two-sided sign-flip permutation test of the mean difference over clips.

    Without a difference, a speaker's summed difference is as likely with either sign, so all clips of a speaker flip
    together. Every pattern of signs is tried where they are at most `draws`; else `draws` are drawn, and
    p = (hits + 1) / (draws + 1). With S speakers p is never below 2 / 2^S: five or fewer cannot pass 0.05.

    Args:
        differences: [n] one method's number minus the other's, of clips that have both.
        clusters: [n] speakers of the clips.
        draws: patterns of signs, and bootstrap samples of the interval (`cluster_interval`).
        alpha: error rate of the interval.
        seed: of the draws.

    Raises:
        ValueError: as `cluster_interval`.

    Source: R. A. Fisher, "The design of experiments", 1935; B. Phipson, G. K. Smyth, "Permutation p-values should
    never be zero", 2010.
    """
    sums, _ = _by_cluster(differences, clusters)
    interval = cluster_interval(differences, clusters, draws, alpha, seed)
    least = abs(math.fsum(sums)) - ROUNDING * math.fsum(abs(sums))
    if 2 ** len(sums) <= draws:
        patterns = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        p = float(np.mean(abs((2 * patterns - 1) @ sums) >= least))
    else:
        p = (_hits(sums, least, draws, np.random.default_rng(seed)) + 1) / (draws + 1)
    return Test(interval.mean, interval.low, interval.high, p, interval.clips, interval.clusters)


def holm(p: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, in their order: monotone, and at most 1.

    Raises:
        ValueError: one is not between 0 and 1.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    if wrong := [value for value in p if not 0 <= value <= 1]:
        raise ValueError(f"{wrong[0]} is no p-value")
    adjusted, largest = [0.0] * len(p), 0.0
    for place, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        largest = max(largest, min(1.0, (len(p) - place) * p[index]))
        adjusted[index] = largest
    return adjusted


def marks(
    values: Mapping[str, float],
    better: Literal["higher", "lower", "none"],
    p: Mapping[frozenset[str], float],
    alpha: float,
) -> dict[str, Literal["best", "second"]]:
    """Return which methods of a column are marked; most often none is.

    "best" has the best mean and differs, p < alpha, from every other method that it could be compared with. "second"
    has the second-best mean and differs so from every method below it that it could be compared with; it may be
    marked where "best" is not: the first two cannot be told apart, and the second is better than the rest. Neither is
    marked without a comparison, nor "second" where its mean equals the best.

    Args:
        values: the mean by method. Ground truth and quoted numbers do not take part: leave them out.
        better: which mean is better; with "none" nothing is marked.
        p: of two methods, by their set: adjusted for all pairs of the column (`holm`); absent where no test was made.
        alpha: error rate.
    """
    if better == "none":
        return {}
    ranked = sorted(values, key=values.__getitem__, reverse=better == "higher")
    found: dict[str, Literal["best", "second"]] = {}
    if ranked and _beats(ranked[0], ranked[1:], p, alpha):
        found[ranked[0]] = "best"
    if len(ranked) > 2 and values[ranked[0]] != values[ranked[1]] and _beats(ranked[1], ranked[2:], p, alpha):
        found[ranked[1]] = "second"
    return found


def _beats(method: str, below: Sequence[str], p: Mapping[frozenset[str], float], alpha: float) -> bool:
    tested = [p[pair] for other in below if (pair := frozenset((method, other))) in p]
    return bool(tested) and max(tested) < alpha


def _by_cluster(values: np.ndarray, clusters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return every cluster's sum, float64 [S], and number of values, [S]; in the order of the clusters' names."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) != len(clusters):
        raise ValueError(f"{len(clusters)} speakers do not fit values of shape {values.shape}")
    if not len(values):
        raise ValueError("there is no value")
    if not np.isfinite(values).all():
        raise ValueError("a value is not finite: leave out clips without a number")
    names, places = np.unique(np.asarray(clusters), return_inverse=True)
    return np.bincount(places, values, len(names)), np.bincount(places, minlength=len(names))


@lru_cache(maxsize=4)  # the cells of a table mostly have the same speakers: drawing takes longer than all else
def _weights(speakers: int, draws: int, seed: int) -> np.ndarray:
    """Return how often each speaker is in each bootstrap sample, float64 [D, S]."""
    return np.random.default_rng(seed).multinomial(speakers, np.full(speakers, 1 / speakers), draws).astype(np.float64)


def _jackknife_error(centred: np.ndarray, counts: np.ndarray) -> float:
    """Return the standard error of the mean over clips, from the means that leave one of two or more speakers out."""
    left_out = centred / (counts.sum() - counts)
    return math.sqrt((1 - 1 / len(counts)) * float((left_out**2).sum()))


def _sizes_of_t(centred: np.ndarray, counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return |t| of every draw, [D]: how many sandwich errors of the draw its mean is from the mean.

    Args:
        centred: [S] every speaker's sum of differences from the mean.
        counts: [S] of their clips.
        weights: float64 [D, S] how often each speaker was drawn.
    """
    drawn, squares = weights @ counts, weights @ centred**2
    shift = (weights @ centred) / drawn
    left = squares - 2 * shift * (weights @ (centred * counts)) + shift**2 * (weights @ counts**2)
    has_error = left > NO_ERROR * squares
    speakers = len(counts)
    error = np.sqrt(left, where=has_error, out=np.ones(len(left))) * math.sqrt(speakers / max(speakers - 1, 1)) / drawn
    return np.where(has_error, abs(shift) / error, np.inf)


def _hits(sums: np.ndarray, least: float, draws: int, generator: np.random.Generator) -> int:
    """Return how many of `draws` patterns of signs make the sum's size at least `least`."""
    hits = 0
    for start in range(0, draws, FLIPS_AT_ONCE):
        flips = generator.integers(0, 2, (min(FLIPS_AT_ONCE, draws - start), len(sums)))
        hits += int((abs((2 * flips - 1) @ sums) >= least).sum())
    return hits

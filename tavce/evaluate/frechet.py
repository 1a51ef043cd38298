"""Fréchet distance of two sets of deep features: how far apart the two Gaussians fitted to them lie.

The distance falls as the number of features grows, so numbers of different n cannot be compared.
Shapes: n, m features, D entries each.
Source  M. Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017); covariances are divided by n − 1, as
pytorch-fid does. The trace of (C1 C2)^½ is computed without covariances: with the centred features A [n, D] and
B [m, D] it is the sum of the singular values of A Bᵀ, divided by √((n − 1)(m − 1)). They are the roots of the
eigenvalues of a symmetric matrix as wide as the least of n, m and D, so no root of a matrix is taken and nothing has to
be added to a diagonal where there are fewer features than entries. What is exactly 0 comes out below 1e-7 of the
variances' sum.
"""

import hashlib

import numpy as np
import scipy.linalg

FEWEST = 2  # features that have a covariance


class TooFewFramesError(Exception):
    """There are fewer frames than the distance is defined with; the message says how many."""


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Fréchet distance of features [n, D] and [m, D]: 0 (same mean and covariance) to ∞.

    ‖μ1 − μ2‖² + tr(C1 + C2 − 2 (C1 C2)^½), in the square of the features' unit, in double precision.

    Raises:
        ValueError: the two are not [n, D] and [m, D] with n and m at least 2, or hold what is no finite number.
    """
    first, second = _checked(first), _checked(second)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"features of {first.shape[1]} and of {second.shape[1]} entries: both must have as many")
    gap = first.mean(axis=0) - second.mean(axis=0)
    few, many = sorted((_centred(first), _centred(second)), key=len)
    product = _root(few) @ many.T
    squares = scipy.linalg.eigvalsh(product @ product.T, check_finite=False)
    shared = np.sqrt(squares.clip(min=0)).sum()
    distance = gap @ gap + np.square(few).sum() + np.square(many).sum() - 2 * shared
    return max(float(distance), 0.0)


def subset_distances(
    made: np.ndarray, real: np.ndarray, clips: np.ndarray, n: int, subsets: int, seed: int
) -> np.ndarray:
    """Return the Fréchet distance of each of several subsets of frames, float64 [subsets].

    Row i of `made` and of `real` are the same frame of the same clip; a subset takes the same rows of both. Frames are
    drawn without replacement by a number that follows from the seed, the clip's id and which frame of the clip it is:
    methods that have the same frames use the same ones, and a clip that one of them lacks costs that one no other.
    Subsets share frames, all of them where there are n: their spread is not the spread over sets of clips.

    Args:
        made: features [N, D] of generated frames.
        real: features [N, D] of real ones.
        clips: the clip's id of every row, [N]; the frames of a clip in their order.
        n: frames of a subset.
        subsets: how many.
        seed: of the draw.

    Raises:
        TooFewFramesError: N is below n.
        ValueError: the three differ in length, or `frechet_distance` refuses the features.
    """
    if not len(made) == len(real) == len(clips):
        raise ValueError(f"{len(made)} made, {len(real)} real frames of {len(clips)} clips: they must be pairs")
    if len(made) < n:
        raise TooFewFramesError(f"{len(made)} frames have features, {n} are needed")
    chosen = np.argsort(_lots(clips, subsets, seed), axis=0, kind="stable")[:n]
    return np.array([frechet_distance(made[rows], real[rows]) for rows in chosen.T])


def _lots(clips: np.ndarray, subsets: int, seed: int) -> np.ndarray:
    """Return a number [N, subsets] in [0, 1) for every row in every subset; the lowest are drawn."""
    lots = np.empty((len(clips), subsets))
    for clip in np.unique(clips):
        rows = np.flatnonzero(clips == clip)
        digest = hashlib.sha256(str(clip).encode()).digest()
        lots[rows] = np.random.default_rng([seed, *digest]).random((len(rows), subsets))
    return lots


def _checked(features: np.ndarray) -> np.ndarray:
    if features.ndim != 2 or len(features) < FEWEST:
        raise ValueError(f"features of shape {features.shape}: they must be [n, D] with n at least {FEWEST}")
    if not np.isfinite(features).all():
        raise ValueError("features hold what is no finite number")
    return features.astype(np.float64)


def _centred(features: np.ndarray) -> np.ndarray:
    """Return A [n, D] with Aᵀ A the covariance of features [n, D]."""
    return (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)


def _root(centred: np.ndarray) -> np.ndarray:
    """Return R [min(n, D), D] with Rᵀ R = Aᵀ A, of A [n, D]."""
    return centred if len(centred) <= centred.shape[1] else np.linalg.qr(centred, mode="r")

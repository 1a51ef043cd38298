"""How alike a voice and a face change between two moments: the paper's temporal correlation, in closed form.

The covariance of two features x, y is ½·d·dᵀ with d = x − y: of rank one. So the cosine of two such matrices is the
squared cosine of the two changes, and the diagonal of the row-normalised matrix is |d| / ‖d‖; the C × C matrices are
never built (paper.md, stage 1).
Shapes: B samples, C embedding entries.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

EPS = 1e-12  # added to ‖d‖, far below any change that means something; zero change gives zero, with a zero gradient


def direction(change: Float[Tensor, "B C"]) -> Float[Tensor, "B C"]:
    """Return d / (‖d‖ + eps): of length one, or zero where nothing changed; finite value and gradient everywhere."""
    change = _exact(change)
    moved, length = _lengths(change)
    return torch.where(moved[:, None], change / length[:, None], 0.0)


def similarity(
    audio_change: Float[Tensor, "B C"], face_change: Float[Tensor, "B C"], signed: bool = False
) -> Float[Tensor, " B"]:
    """Return cos² of the two changes, 0 (unrelated) … 1 (alike): the cosine of the two correlation matrices.

    Blind to the sign of either change, so to the direction of time; 0 where either change is zero. `signed` (not in
    the paper) gives cos itself, −1 … 1, which is not blind.
    """
    audio_change, face_change = _exact(audio_change), _exact(face_change)
    (spoken, heard), (moved, seen) = _lengths(audio_change), _lengths(face_change)
    product = (audio_change * face_change).sum(dim=-1)
    cosine = torch.where(spoken & moved, product / heard / seen, 0.0)
    return cosine if signed else cosine.square()


def channel_attention(change: Float[Tensor, "B C"]) -> Float[Tensor, "B C"]:
    """Return |d| / ‖d‖, 0 … 1: the diagonal of the row-normalised correlation; 0, with a zero gradient, at d = 0."""
    return direction(change).abs()


def _exact(change: Tensor) -> Tensor:
    """Return a change in single precision at least: half precision cannot hold the squares."""
    return change.to(torch.promote_types(change.dtype, torch.float32))


def _lengths(change: Float[Tensor, "B C"]) -> tuple[Bool[Tensor, " B"], Float[Tensor, " B"]]:
    """Return where anything changed, and ‖d‖ + eps there; 1 elsewhere, so that no gradient is infinite."""
    squared = change.square().sum(dim=-1)
    moved = squared > 0
    return moved, torch.where(moved, squared, 1.0).sqrt() + EPS

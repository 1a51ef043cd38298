"""The correlation loss as the paper writes it, with the C × C matrices: the reference for the closed form.

Source  paper.md, stage 1. Shapes: B samples, C embedding entries.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def covariance(now: Float[Tensor, "B C"], later: Float[Tensor, "B C"]) -> Float[Tensor, "B C C"]:
    """Return the covariance zᵀz of two samples, z being both centred on their mean."""
    pair = torch.stack([now, later], dim=1)
    centred = pair - pair.mean(dim=1, keepdim=True)
    return centred.transpose(1, 2) @ centred


def matrix_loss(audio: tuple[Tensor, Tensor], face: tuple[Tensor, Tensor]) -> Tensor:
    """Return 1 − the mean cosine of the two matrices; each argument is (now, later), [B, C] each."""
    heard, seen = covariance(*audio).flatten(1), covariance(*face).flatten(1)
    return 1 - functional.cosine_similarity(heard, seen, dim=1).mean()

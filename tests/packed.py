"""Compressed pictures in memory, as a shard stores them."""

from collections.abc import Sequence

import numpy as np


def pack(pictures: Sequence[bytes]) -> dict[str, np.ndarray]:
    """Return pictures as `frames` and `offsets`."""
    offsets = np.cumsum([0, *map(len, pictures)], dtype=np.int64)
    return {"frames": np.frombuffer(b"".join(pictures), np.uint8), "offsets": offsets}

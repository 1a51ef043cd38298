"""Compressed pictures in memory, as a shard stores them."""

from collections.abc import Sequence

import numpy as np

from tavce.store import FRAMES


def pack(pictures: Sequence[bytes], names: tuple[str, str] = FRAMES) -> dict[str, np.ndarray]:
    """Return pictures and their offsets under these names."""
    offsets = np.cumsum([0, *map(len, pictures)], dtype=np.int64)
    return dict(zip(names, (np.frombuffer(b"".join(pictures), np.uint8), offsets), strict=True))

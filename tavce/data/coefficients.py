"""The network that gives motion coefficients, where `motion.backend` names one; torch is imported only then.

Shapes: T frames; pictures uint8 [S, S, 3] RGB.
"""

import importlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import cv2
import h5py
import numpy as np

from tavce import store
from tavce.config.data import Motion
from tavce.faces.basis import LANDMARKS


class Network(Protocol):
    """What measures motion in pictures."""

    name: str  # backend, digest of its weights, what else decides its numbers

    def __call__(self, pictures: Iterable[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Return motion float32 [T, 70] of T pictures and their landmarks [T, 68, 2] px."""


def load_network(settings: Motion) -> Network | None:
    """Return the backend's network, or None where landmarks are all it takes.

    Raises:
        InputError: its weights are missing or do not fit.
    """
    if settings.backend == LANDMARKS:
        return None
    return importlib.import_module(f"tavce.faces.{settings.backend}").load(settings.batch)


def read_pictures(crop: h5py.Group, frames: Iterable[int]) -> Iterator[np.ndarray]:
    """Yield frames of a stored crop."""
    for frame in frames:
        yield cv2.cvtColor(cv2.imdecode(store.picture(crop, frame), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

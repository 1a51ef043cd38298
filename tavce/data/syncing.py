"""SyncNet's verdict on a clip, where the settings ask for it; torch is imported only then.

It sees the source frames around the face as its own tracker frames them, not the stored crops, which may be tighter.
"""

import importlib
from collections.abc import Iterable
from itertools import islice
from typing import Any, Protocol

import h5py
import numpy as np

from tavce import media, store
from tavce.faces.sync_crop import sync_crops
from tavce.records import InputError, Numbers

NAMES = ("sync_confidence", "sync_distance", "sync_offset_frames")


class SyncNet(Protocol):
    """`tavce.faces.syncnet.SyncNet`."""

    def score(self, frames: Iterable[np.ndarray], wave: np.ndarray) -> Any:
        """Return how well lips in uint8 [224, 224, 3] RGB frames fit a wave [N] of 16 kHz, or why not known."""


def open_syncnet() -> SyncNet:
    """Return SyncNet with its published weights.

    Raises:
        InputError: the weights are not on this machine, or the file is not the published one.
    """
    found = importlib.import_module("tavce.faces.syncnet").open_syncnet()
    if found is None:
        raise InputError("quality.syncnet needs weights: run `tavce fetch syncnet_v2`, or set it to false")
    return found


def sync_numbers(syncnet: SyncNet | None, trimmed: h5py.Group, crop: h5py.Group, wave: np.ndarray) -> Numbers:
    """Return the confidence, distance and offset of a crop's frames and their sound; null where not measured.

    Where a clip is too short, `sync_note` says so.
    """
    if syncnet is None:
        return dict.fromkeys(NAMES)
    turn = store.to_crop(crop)
    landmarks = (crop["landmarks"][:] - turn[:, 2]) @ np.linalg.inv(turn[:, :2]).T
    first = int(crop.attrs["first_frame"])
    frames = islice(media.decode(store.reader(trimmed["video"])), first, first + len(landmarks))
    score = syncnet.score(sync_crops(frames, landmarks), wave)
    note = getattr(score, "reason", None)
    if note is not None:
        return {**dict.fromkeys(NAMES), "sync_note": note}
    values = round(score.confidence, 3), round(score.distance, 3), score.offset_frames
    return dict(zip(NAMES, values, strict=True))

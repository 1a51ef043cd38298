"""Motion coefficients by Deep3DFaceRecon: 64 expression, 3 angles, 3 translation a frame, as SadTalker takes them.

The numbers are the network's own: angles in radians and translation in the release's axes, in which y points up.
Reads   the published weights, which the user places (`tavce.weights`: deep3d), and the release's standard points where
        they were placed too (deep3d_points); otherwise the mean face stands in (`tavce.faces.alignment`)
This module imports torch: it is imported by name, where `motion.backend` asks for it.
Shapes: T frames; pictures uint8 [H, W, 3] RGB, rows from the top.
"""

import logging
import pickle
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tavce import weights
from tavce.faces.alignment import aligned, standard_points, to_crop
from tavce.files import sha256
from tavce.networks.deep3d import ANGLES, EXPRESSION, TRANSLATION, FaceCoefficients
from tavce.records import InputError

log = logging.getLogger(__name__)


def load(batch: int) -> "Deep3D":
    """Return the backend, on the GPU where there is one.

    Args:
        batch: frames the network sees at once.

    Raises:
        InputError: the weights are missing or do not fit, or the standard points are other ones.
    """
    path, points = weights.path_of("deep3d"), weights.find("deep3d_points")
    network = FaceCoefficients()
    _fill(network, path)
    name = f"deep3d {sha256(path)} {points.name if points else 'mean_face'}"
    log.info("motion coefficients by %s", name)
    return Deep3D(name, network, standard_points(points), batch)


class Deep3D:
    """Measures motion in pictures."""

    def __init__(self, name: str, network: FaceCoefficients, standard: np.ndarray, batch: int):
        torch.set_num_threads(1)  # a thread a clip
        self.name = name
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device)
        self._standard = standard
        self._batch = batch

    @torch.inference_mode()
    def __call__(self, pictures: Iterable[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Return motion float32 [T, 70] of T pictures and their landmarks [T, 68, 2] px; NaN where these are."""
        maps = to_crop(landmarks, self._standard)
        good = np.isfinite(maps).all(axis=(1, 2))
        crops = (aligned(picture, matrix) for picture, matrix, seen in zip(pictures, maps, good, strict=True) if seen)
        motion = np.full((len(maps), 70), np.nan, np.float32)
        rows = np.flatnonzero(good)
        for start in range(0, len(rows), self._batch):
            motion[rows[start : start + self._batch]] = self._measure(np.stack([*islice(crops, self._batch)]))
        return motion

    def _measure(self, crops: np.ndarray) -> np.ndarray:
        pictures = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).float() / 255
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            coefficients = self._network(pictures)
        return torch.cat([coefficients[:, part] for part in (EXPRESSION, ANGLES, TRANSLATION)], dim=1).cpu().numpy()


def _fill(network: nn.Module, path: Path) -> None:
    """Load the entries `net_recon` of the published file into the network.

    Raises:
        InputError: the file is no such checkpoint, or an entry is missing or of another shape.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["net_recon"]
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is no checkpoint of Deep3DFaceRecon ('net_recon'): place its epoch_20.pth") from error
    wanted = network.state_dict()
    for name, entry in wanted.items():
        shape = tuple(state[name].shape) if name in state else None
        if shape != entry.shape:
            raise InputError(f"{path}: entry '{name}' is {shape or 'missing'}, not {tuple(entry.shape)}")
    network.load_state_dict({name: state[name] for name in wanted})

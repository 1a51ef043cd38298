"""How far a generated frame is from the real one to VGG-16: LPIPS, as a metric of a clip.

Reads   the weights `vgg16` and `lpips_vgg` of `tavce.weights`, once the first clip is measured
"""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from tavce.dataset import to_unit
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.published import NOT_THERE, digest_of, missing
from tavce.metric.distance import load_distance

BATCH = 8  # frames at once: at 256 px they and their references take 1.5 GB
SMALLEST_PX = 16  # four halvings leave one pixel for the coarsest level of features
NAMES = ("lpips_vgg", "vgg16")


class LpipsGroup:
    """LPIPS with VGG-16 and its published weights of channels, version 0.1."""

    name: ClassVar[str] = "lpips"
    metrics: ClassVar[tuple[str, ...]] = ("lpips",)
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Take the settings and the device of a job, and look for the weights.

        Raises:
            InputError: a file of weights is another one than the published.
        """
        self._settings, self._device = setup.settings, torch.device(setup.device)
        self._digests = {name: digest_of(name) for name in NAMES}

    def depends(self) -> object:
        """Return the setting that is read, and the digests of the weights."""
        return [self._settings.max_frames_apart, self._digests]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare every frame with the real one."""
        measured.take("lpips", lambda: self._distance(clip))

    def _distance(self, clip: Clip) -> float:
        for name, digest in self._digests.items():
            if digest == NOT_THERE:
                raise missing(name)
        count = clip.compared
        return lpips(self._network, clip.reference[:count], clip.frames[:count])

    @cached_property
    def _network(self) -> nn.Module:
        return load_distance("lpips_vgg").to(self._device)


@torch.inference_mode()
def lpips(network: nn.Module, reference: Sequence[np.ndarray], pictures: Sequence[np.ndarray]) -> float:
    """Return the mean LPIPS of a clip's frames: 0 (identical) upwards, lower is better.

    Args:
        network: `load_distance("lpips_vgg")`, on the device where to compute.
        reference: uint8 [H, W, 3] RGB, T frames.
        pictures: as many frames of the same size.

    Raises:
        ValueError: the clips differ in length.
        MeasurementError: there is no frame, or frames are smaller than `SMALLEST_PX`.
    """
    if len(reference) != len(pictures):
        raise ValueError(f"{len(reference)} and {len(pictures)} frames: LPIPS compares as many with as many")
    if not len(pictures):
        raise MeasurementError("no frame to compare")
    height, width = pictures[0].shape[:2]
    if min(height, width) < SMALLEST_PX:
        raise MeasurementError(f"frames of {width} × {height} px are too small for VGG-16: {SMALLEST_PX} px are needed")
    device, total = next(network.parameters()).device, 0.0
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with exact:
        for start in range(0, len(pictures), BATCH):
            real, made = (to_unit(np.stack(some[start : start + BATCH])).to(device) for some in (reference, pictures))
            total += float(network(real, made)) * len(made)
    return total / len(pictures)

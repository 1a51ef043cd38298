"""Deep features of frames, of which Fréchet distances are made once all clips of a method are there.

The same frames of the generated and of the real video: the middles of `score.frechet_frames` equal parts of what both
have, whole frames, without a crop. A clip with fewer frames gives all of them.
Source  M. Heusel et al. (2017) for FID, with the network, the weights and the resizing of pytorch-fid.

Shapes: n frames of a clip, D features.
"""

import re
from abc import ABC, abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.published import NOT_THERE, digest_of, missing, outputs
from tavce.networks.inception import InceptionFeatures
from tavce.published.files import PublishedFile
from tavce.published.filling import fill
from tavce.published.layout import Layout
from tavce.training.features import load_features

INCEPTION = Layout(str, left_out=re.compile(r"fc\."))  # the classifier has no place in features
MOBILENET_SIDE_PX = 224


def evenly_spaced(frames: int, wanted: int) -> np.ndarray:
    """Return the middles [n] of `wanted` equal parts of so many frames; all frames where they are fewer.

    The ends are left out: a one-shot method is given the first frame.
    """
    return np.unique((np.arange(wanted) + 0.5) * frames // wanted).astype(int)


class _FrechetGroup(ABC):
    """Keeps features `NAME.made` and `NAME.real`, float32 [n, D], or the reason why there are none."""

    name: ClassVar[str]
    weights: ClassVar[str]

    def __init__(self, setup: Setup):
        """Take the settings of a job, and look for the weights.

        Raises:
            InputError: they are not the published ones.
        """
        self._settings, self._device = setup.settings, setup.device
        self._digest = digest_of(self.weights)

    def depends(self) -> object:
        """Return the settings that are read, and the digest of the weights."""
        return [self._settings.max_frames_apart, self._settings.frechet_frames, self._digest]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Keep the features of frames of both videos; a pooled metric has no number of a clip."""
        try:
            if self._digest == NOT_THERE:
                raise missing(self.weights)
            chosen = evenly_spaced(clip.compared, self._settings.frechet_frames)
        except MeasurementError as error:
            measured.reasons[self.name] = str(error)
            return
        for which, frames in (("made", clip.frames), ("real", clip.reference)):
            pictures = [frames[index] for index in chosen]
            measured.features[f"{self.name}.{which}"] = outputs(self._features, pictures, self._device)

    @cached_property
    def _network(self) -> nn.Module:
        return self._open().to(self._device)

    @abstractmethod
    def _open(self) -> nn.Module:
        """Return the network with its weights."""

    @abstractmethod
    def _features(self, pictures: Tensor) -> Tensor:
        """Return the features [B, D] of pictures float32 [B, 3, H, W] RGB, 0 to 255."""


class FidGroup(_FrechetGroup):
    """Features of FID: Inception-v3's, 2048."""

    name: ClassVar[str] = "fid"
    metrics: ClassVar[tuple[str, ...]] = ("fid",)
    version: ClassVar[int] = 1
    weights: ClassVar[str] = "inception_fid"

    def _open(self) -> nn.Module:
        network = InceptionFeatures()
        fill(network, PublishedFile.of(self.weights).whole(), INCEPTION)
        return network

    def _features(self, pictures: Tensor) -> Tensor:
        return self._network(pictures / 255)


class MobileNetGroup(_FrechetGroup):
    """Features of the proxy: the 1280 that MobileNetV2's classifier reads."""

    name: ClassVar[str] = "fd_mobilenetv2"
    metrics: ClassVar[tuple[str, ...]] = ("fd_mobilenetv2",)
    version: ClassVar[int] = 1
    weights: ClassVar[str] = "mobilenetv2"

    def _open(self) -> nn.Module:
        return load_features(self.weights)

    def _features(self, pictures: Tensor) -> Tensor:
        side = (MOBILENET_SIDE_PX, MOBILENET_SIDE_PX)
        resized = F.interpolate(pictures / 255, size=side, mode="bilinear", align_corners=False, antialias=True)
        return self._network(resized)[-1].mean(dim=(2, 3))

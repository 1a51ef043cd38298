"""Is it still the same person? The cosine of face embeddings of generated frames and of the source frame.

The source is the clip's first real frame, which a one-shot method is given; every fifth generated frame that has
landmarks is compared with it. Comparing each frame with the real frame of the same moment is another variant of CSIM,
whose numbers are others.

Shapes: N faces, D entries of an embedding, H × W pixels.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np
from torch import Tensor

from tavce.faces.alignment import five_points
from tavce.faces.backend import MissingWeightsError
from tavce.files import sha256
from tavce.measure.clip import Clip
from tavce.measure.groups import Setup
from tavce.measure.landmarks import found
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.published import NOT_THERE, digest_of, missing, outputs
from tavce.metric.published import visual_names
from tavce.networks.encoders import IRESNET100, VisualEncoder, VisualEncoderSizes
from tavce.published.files import PublishedFile
from tavce.published.filling import fill
from tavce.published.layout import Layout

EVERY = 5  # generated frames, of which one is compared: neighbours say the same
SIDE_PX = 112
EYES_NOSE_MOUTH = np.array(  # where ArcFace's training faces have them, px
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
ARCFACE = "arcface_r100"
ARCFACE_SIZES = VisualEncoderSizes(input_px=SIDE_PX, channels=(64, 128, 256, 512), embedding=512)
DESCRIPTOR = "tavce.faces.dlib128"  # imported by name: its package is optional


def similarity(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return what brings points [K, 2] nearest to places [K, 2], float64 [2, 3]: turned, scaled, shifted, no more.

    Least squares over the K points (Umeyama 1991); never mirrored.
    """
    start, end = (np.asarray(xy, float) @ (1, 1j) for xy in (points, places))
    from_middle = start - start.mean()
    turn = np.vdot(from_middle, end) / np.vdot(from_middle, from_middle).real
    shift = end.mean() - turn * start.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def aligned(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the face of a frame as ArcFace looks at it, uint8 [112, 112, 3], by landmarks [68, 2] px."""
    matrix = similarity(five_points(landmarks), EYES_NOSE_MOUTH)
    return cv2.warpAffine(frame, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR)


def mean_cosine(embeddings: np.ndarray, source: np.ndarray) -> float:
    """Return the mean cosine of embeddings [N, D] with one [D]: −1 to 1 (the same direction), higher is better."""
    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(source)
    return float((embeddings @ source / lengths).mean())


class _IdentityGroup(ABC):
    """Compares embeddings of faces."""

    name: ClassVar[str]

    def __init__(self, setup: Setup):
        """Take the settings of a job, and look for the weights.

        Raises:
            InputError: they are not the published ones.
        """
        self._settings, self._device = setup.settings, setup.device
        self._digest = self._find()

    def depends(self) -> object:
        """Return the setting that is read, and the digest of the weights."""
        return [self._settings.min_frames, self._digest]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Compare generated frames with the source frame."""
        measured.take(self.name, lambda: self._compare(clip))

    def _compare(self, clip: Clip) -> float:
        if self._digest == NOT_THERE:
            raise self._missing()
        seen = found(clip.landmarks)
        clip.require_frames(int(seen.sum()), "landmarks")
        if not found(clip.reference_landmarks[:1]).all():
            raise MeasurementError("the first real frame has no landmarks")
        chosen = [index for index in range(0, len(clip.frames), EVERY) if seen[index]]
        if not chosen:
            raise MeasurementError(f"no frame that is compared, one of {EVERY}, has landmarks")
        source = self._embed(clip.reference[:1], clip.reference_landmarks[:1])[0]
        return mean_cosine(self._embed([clip.frames[index] for index in chosen], clip.landmarks[chosen]), source)

    @abstractmethod
    def _find(self) -> str:
        """Return the digest of the weights; NOT_THERE where they are missing."""

    @abstractmethod
    def _missing(self) -> MeasurementError:
        """Return the reason without weights, which ends in how they are had."""

    @abstractmethod
    def _embed(self, frames: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        """Return an embedding [N, D] of one face in each frame, by landmarks [N, 68, 2] px."""


class ArcFaceGroup(_IdentityGroup):
    """CSIM of ArcFace's embeddings."""

    name: ClassVar[str] = "csim"
    metrics: ClassVar[tuple[str, ...]] = ("csim",)
    version: ClassVar[int] = 1

    def _find(self) -> str:
        return digest_of(ARCFACE)

    def _missing(self) -> MeasurementError:
        return missing(ARCFACE)

    @cached_property
    def _network(self) -> VisualEncoder:
        network = VisualEncoder(ARCFACE_SIZES, IRESNET100)
        fill(network, PublishedFile.of(ARCFACE).whole(), Layout(visual_names(IRESNET100)))
        return network.eval().to(self._device)

    def _embed(self, frames: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        faces = [aligned(frame, points) for frame, points in zip(frames, landmarks, strict=True)]
        return outputs(self._look, faces, self._device)

    def _look(self, faces: Tensor) -> Tensor:
        return self._network(faces / 127.5 - 1)


class DlibGroup(_IdentityGroup):
    """The proxy: cosine of dlib's descriptors."""

    name: ClassVar[str] = "csim_dlib128"
    metrics: ClassVar[tuple[str, ...]] = ("csim_dlib128",)
    version: ClassVar[int] = 1

    def _find(self) -> str:
        try:
            self._module = importlib.import_module(DESCRIPTOR)
            self._path = self._module.descriptor_path()
        except MissingWeightsError as error:
            self._reason = f"dlib's descriptors: {error}"
            return NOT_THERE
        return sha256(self._path)

    def _missing(self) -> MeasurementError:
        return MeasurementError(self._reason)

    def _embed(self, frames: Sequence[np.ndarray], landmarks: np.ndarray) -> np.ndarray:
        return self._descriptor.describe(frames, landmarks)

    @cached_property
    def _descriptor(self) -> object:
        return self._module.Descriptor(self._path)

"""TAVC: how alike the voice and the generated mouth change, as a trained metric hears and sees it.

Reads   best.pt of a metric
Source  the similarity is that of the paper's metric (stage 1), taken on generated frames

Shapes: T frames, n of them that the sound covers, C embedding entries, S side of the mouth boxes that the metric is
given, px; Δ frames between the two moments of a pair, a setting of the metric's recipe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np

from tavce.data.mel import log_mel
from tavce.dataset import mel_steps, resized
from tavce.faces.lips import SAMPLES_PER_FRAME
from tavce.faces.points import mouth_box
from tavce.faces.smoothing import smooth
from tavce.files import sha256
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.landmarks import filled, found
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.metric.embedding import CHUNK, alike, changes, embed_faces, embed_voices
from tavce.metric.model import FrozenMetric, load_metric


def mouths(frames: Sequence[np.ndarray], landmarks: np.ndarray, crop_px: int, box_px: int) -> np.ndarray:
    """Return the mouth boxes uint8 [T, box_px, box_px, 3] of generated frames, cut as those of a dataset are.

    A metric knows mouths from crops of `crop_px`, so frames of another size are brought to it first.

    Args:
        frames: uint8 [H, W, 3] RGB, all of one size.
        landmarks: [T, 68, 2] px, of every frame.
        crop_px: side of the dataset's crops.
        box_px: side of the box in them.
    """
    height, width = frames[0].shape[:2]
    landmarks = (landmarks + 0.5) * (crop_px / np.array([width, height])) - 0.5
    cut = []
    for frame, points in zip(frames, landmarks, strict=True):
        if (height, width) != (crop_px, crop_px):
            shrinks = min(height, width) > crop_px
            frame = cv2.resize(frame, (crop_px, crop_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        left, top = mouth_box(points, box_px, crop_px)
        cut.append(frame[top : top + box_px, left : left + box_px])
    return np.stack(cut)


@dataclass
class Asked:
    """A metric that is asked about one clip."""

    metric: FrozenMetric
    setup: Setup
    clip: Clip

    @cached_property
    def faces(self) -> np.ndarray:
        """The embeddings float32 [T, C] of the generated mouths.

        Boxes follow landmarks that are made whole and smooth over time, as those of a dataset are.
        """
        landmarks = smooth(filled(self.clip.landmarks), self.setup.smooth_frames)
        recipe, embedded = self.metric.recipe, []
        for start in range(0, len(landmarks), CHUNK):
            part = slice(start, start + CHUNK)
            cut = mouths(self.clip.frames[part], landmarks[part], self.clip.crop_px, recipe.mouth_px)
            pictures = np.stack([resized(mouth, recipe.input_px) for mouth in cut])
            embedded.append(embed_faces(self.metric.encoders, pictures))
        return np.concatenate(embedded)

    def voices(self, wave: np.ndarray) -> np.ndarray:
        """Return the embeddings float32 [n, C] of n frames' sound, float32 [n · SAMPLES_PER_FRAME]."""
        mel = log_mel(wave, self.setup.mel)
        steps = mel_steps(self.setup.window, range(len(wave) // SAMPLES_PER_FRAME), len(mel))
        chunks = [mel[steps[start : start + CHUNK]] for start in range(0, len(steps), CHUNK)]
        return np.concatenate([embed_voices(self.metric.encoders, windows) for windows in chunks])

    def similarity(self, sound: Sound) -> np.ndarray:
        """Return how alike sound and mouth change from frame k to frame k + Δ, float32 [n − Δ].

        Raises:
            MeasurementError: there is no sound, too few frames have a face and sound, or none a frame Δ later.
        """
        wave, spacing = sound.require(), self.metric.recipe.spacing
        count = min(len(self.clip.frames), len(wave) // SAMPLES_PER_FRAME)
        self.clip.require_frames(int(found(self.clip.landmarks[:count]).sum()), "landmarks and sound")
        if count <= spacing:
            raise MeasurementError(f"of {count} frames no two are {spacing} apart")
        voices = self.voices(wave[: count * SAMPLES_PER_FRAME])
        return alike(changes(voices, spacing), changes(self.faces[:count], spacing), self.metric.recipe)


class TavcGroup:
    """The metric's similarity, with the video's own sound and with another's; and the curve `similarity`.

    The curve is float32 [T]: at frame k the similarity of the changes from frame k − Δ to k, NaN where there is no such
    pair. It is absent where `tavc` has a reason.
    """

    name: ClassVar[str] = "tavc"
    metrics: ClassVar[tuple[str, ...]] = ("tavc", "tavc_shuffled")
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        """Load the metric, where one is asked.

        Raises:
            InputError: the checkpoint cannot be read, or is of another version.
        """
        self._setup = setup
        self._metric = None if setup.tavc is None else load_metric(setup.tavc).to(setup.device)

    def depends(self) -> object:
        """Return the settings that are read, and the digest of the metric or null."""
        setup = self._setup
        read = [setup.settings.min_frames, setup.window.model_dump(), setup.mel.model_dump(), setup.smooth_frames]
        return [*read, None if setup.tavc is None else sha256(setup.tavc)]

    def measure(self, clip: Clip, measured: Measurements) -> None:
        """Ask the metric."""
        if self._metric is None:
            for name in self.metrics:
                measured.take(name, _not_asked)
            return
        asked = Asked(self._metric, self._setup, clip)
        measured.take("tavc", lambda: _own(asked, measured))
        measured.take("tavc_shuffled", lambda: float(asked.similarity(clip.other).mean()))


def _not_asked() -> float:
    raise MeasurementError("score.tavc is null: no metric was asked")


def _own(asked: Asked, measured: Measurements) -> float:
    values, spacing = asked.similarity(asked.clip.sound), asked.metric.recipe.spacing
    curve = np.full(len(asked.clip.frames), np.nan, np.float32)
    curve[spacing : spacing + len(values)] = values
    measured.curves["similarity"] = curve
    return float(values.mean())

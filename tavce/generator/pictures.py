"""Pictures of what a renderer makes of validation frames: what it was given, what it was to make, and what it heard.

Shapes: B samples, S side of a picture, F frames of a strip, C entries of the metric's embeddings.
"""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.utils.data import default_collate

from tavce.files import whole
from tavce.generator.samples import FrameDraws, mel_windows, unit_pictures
from tavce.metric.correlation import channel_attention
from tavce.metric.model import FrozenMetric

ROWS = 6
STRIP_FRAMES = 100  # 4 s
CURVE, MARK = (255, 200, 0), (255, 60, 60)  # RGB


class Samples:
    """The first validation draws, a row each: source, target, painted frame, absolute difference and, where the
    generator attends to the sound, the strip of the clip around the target frame (`attention_strip`).

    They are the same draws at every step, and nothing about them is random.
    """

    def __init__(self, validation: FrameDraws, metric: FrozenMetric, attends: bool):
        self._validation = validation
        self._metric = metric
        self._attends = attends

    @torch.no_grad()
    def draw(self, renderer: nn.Module, path: Path) -> None:
        """Write the picture of a renderer, which is in evaluation mode and on the metric's device."""
        batch = self._batch
        attention = self._metric.attention(batch["mels"]) if self._attends else None
        painted = renderer(batch["source"], batch["source_window"], batch["target_window"], attention).prediction
        target = batch["target"]
        columns = [_rows(column) for column in (batch["source"], target, painted, (painted.float() - target).abs())]
        columns += [np.concatenate(self._strips)] if self._attends else []
        with whole(path) as part:
            cv2.imwrite(str(part), cv2.cvtColor(np.concatenate(columns, axis=1), cv2.COLOR_RGB2BGR))

    @property
    def _device(self) -> torch.device:
        return next(self._metric.parameters()).device

    @cached_property
    def _batch(self) -> dict[str, Tensor]:
        samples = default_collate([self._validation[draw] for draw in range(ROWS)])
        return unit_pictures({name: value.to(self._device) for name, value in samples.items()})

    @cached_property
    def _strips(self) -> list[UInt8[np.ndarray, "S W 3"]]:
        side_px, spacing = self._batch["target"].shape[-1], self._metric.recipe.spacing
        strips = []
        for draw in range(ROWS):
            entry, target = self._validation.target(draw)
            first = max(spacing, min(target - STRIP_FRAMES // 2, entry.frames - STRIP_FRAMES))
            frames = range(first, min(first + STRIP_FRAMES, entry.frames))
            mels = mel_windows(self._validation.clips, entry, range(first - spacing, frames.stop)).to(self._device)
            voices = self._metric.encoders.voices(mels[None])[0]
            strips.append(attention_strip(voices[spacing:] - voices[:-spacing], frames.index(target), side_px))
        return strips


def attention_strip(change: Float[Tensor, "F C"], marked: int, side_px: int) -> UInt8[np.ndarray, "S W 3"]:
    """Return a strip, twice as wide as high, of how the sound of a clip acts on the generator, frame by frame.

    The attention |d_a| / ‖d_a‖ says which entries act, and has length 1 at every frame: its entries are the grey
    values, C of them from top to bottom, white the largest of the strip. The curve over them is ‖d_a‖, how much the
    sound changes: the upper edge is the largest of the strip, the lower edge is 0. The upright line is the frame
    that is painted.

    Args:
        change: d_a of every frame.
        marked: which of the frames is painted.
        side_px: height of the strip.
    """
    width_px, frames = 2 * side_px, len(change)
    entries = channel_attention(change).T.cpu().numpy()
    grey = np.round(255 * entries / max(entries.max(), np.finfo(np.float32).tiny)).astype(np.uint8)
    picture = cv2.resize(grey, (width_px, side_px), interpolation=cv2.INTER_NEAREST)[..., None].repeat(3, axis=2)
    strength = change.norm(dim=1).cpu().numpy()
    strength = strength / max(strength.max(), np.finfo(np.float32).tiny)
    middles = (np.arange(frames) + 0.5) * width_px / frames
    cv2.line(picture, (int(middles[marked]), 0), (int(middles[marked]), side_px - 1), MARK)
    curve = np.stack([middles, (1 - strength) * (side_px - 1)], axis=1).round().astype(np.int32)
    cv2.polylines(picture, [curve], isClosed=False, color=CURVE)
    return picture


def _rows(pictures: Float[Tensor, "B 3 S S"]) -> UInt8[np.ndarray, "B*S S 3"]:
    rows = torch.cat([*pictures.float()], dim=1).permute(1, 2, 0).cpu().numpy()
    return (rows * 255).round().astype(np.uint8)

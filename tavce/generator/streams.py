"""What a portrait is to do at every frame of a speech, made as it is asked for: hours take no more memory than seconds.

Shapes: T frames of the speech, F frames asked for, M mel steps, W mel steps of a window, E expression coefficients,
N = E + 6, A attention entries.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from torch import Tensor

from tavce.config.learning import Window
from tavce.dataset import mel_steps
from tavce.generator.coefficients import PoseModel
from tavce.metric.correlation import channel_attention
from tavce.metric.model import FrozenMetric
from tavce.networks.audio2exp import Audio2Exp

HEARD_FRAMES = 64  # frames whose sound is listened to at once for the attention


@dataclass(frozen=True)
class Speech:
    """What is said: log-mel spectrogram [M, 80], how many frames it is to have, and which steps belong to a frame."""

    mel: np.ndarray  # float32
    frames: int
    window: Window

    def windows(self, frames: Sequence[int]) -> Tensor:
        """Return the mel windows float32 [F, 1, 80, W] of frames; steps before and after the speech repeat its ends."""
        steps = mel_steps(self.window, frames, len(self.mel))
        return torch.from_numpy(self.mel[steps]).transpose(1, 2).unsqueeze(1).contiguous()

    def chunks(self, size: int) -> Iterator[range]:
        """Yield the numbers of all frames, `size` at a time."""
        for start in range(0, self.frames, size):
            yield range(start, min(start + size, self.frames))


def expressions(network: Audio2Exp, speech: Speech, reference: Tensor, blink: Tensor, chunk: int) -> Iterator[Tensor]:
    """Yield the expression [E] of every frame.

    Args:
        network: sound, reference and eye opening to expression.
        speech: what is said.
        reference: [E] the portrait's own expression.
        blink: [T, 1] the eye opening wanted in every frame.
        chunk: frames the network sees at once.
    """
    for numbers in speech.chunks(chunk):
        mels = speech.windows(numbers).to(reference.device)
        own = reference.expand(1, len(numbers), -1)
        yield from network(mels[None], own, blink[None, numbers.start : numbers.stop])[0]


def poses(model: PoseModel, speech: Speech, first: Tensor, style: int, seed: int) -> Iterator[Tensor]:
    """Yield the pose [6] of every frame, starting from `first` [6] (`PoseModel.stream`)."""
    device = first.device
    for chunk in model.stream(lambda frames: speech.windows(frames).to(device), speech.frames, first, style, seed):
        yield from chunk


def attentions(metric: FrozenMetric, speech: Speech, device: torch.device) -> Iterator[Tensor]:
    """Yield the channel attention [A] of every frame: of the change since the frame `spacing` before.

    It is zero for the first frames, and wherever both mel windows are the same.
    """
    spacing = metric.recipe.spacing
    before: deque[tuple[Tensor, Tensor]] = deque(maxlen=spacing)
    for numbers in speech.chunks(HEARD_FRAMES):
        mels = speech.windows(numbers).to(device)
        changes = []
        for mel, voice in zip(mels, metric.encoders.audio(mels), strict=True):
            known_mel, known_voice = before[0] if len(before) == spacing else (mel, voice)
            changes.append(torch.where((mel == known_mel).all(), 0.0, voice - known_voice))
            before.append((mel, voice))
        yield from channel_attention(torch.stack(changes))


def centred_windows(rows: Iterator[Tensor], length: int) -> Iterator[Tensor]:
    """Yield for every row [N] the window [N, length] around it, those of the ends repeated beyond them."""
    before = length // 2
    kept: deque[Tensor] = deque(maxlen=length)
    for row in _held(rows, before, length - 1 - before):
        kept.append(row)
        if len(kept) == length:
            yield torch.stack([*kept], dim=1)


def _held(rows: Iterator[Tensor], before: int, after: int) -> Iterator[Tensor]:
    """Yield rows with the first one repeated before them and the last one after them."""
    last = None
    for row in rows:
        if last is None:
            yield from repeat(row, before)
        yield row
        last = row
    if last is not None:
        yield from repeat(last, after)

"""The networks from sound to motion coefficients: audio2exp and audio2pose, built from settings or loaded.

Shapes: B samples, T frames, F frames of a window, W mel steps, L latent entries.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tavce.config.learning import Audio2Exp as Audio2ExpSettings
from tavce.config.learning import Audio2Pose
from tavce.generator.samples import POSE
from tavce.networks.audio2exp import Audio2Exp, Audio2ExpSizes
from tavce.networks.audio2pose import PoseCvae, PoseCvaeSizes
from tavce.networks.encoders import AudioEncoder, AudioEncoderSizes
from tavce.training import checkpoint


def build_audio2exp(settings: Audio2ExpSettings, expression: int) -> Audio2Exp:
    """Return the network of given sizes, untrained."""
    return Audio2Exp(Audio2ExpSizes(AudioEncoderSizes(settings.audio_channels), expression))


def load_audio2exp(path: str | Path) -> Audio2Exp:
    """Return the network of a `best.pt`, in evaluation mode.

    Raises:
        InputError: the checkpoint cannot be read, or is of another version.
    """
    return restore_audio2exp(path, checkpoint.load(path))


def restore_audio2exp(path: str | Path, state: Mapping[str, Any]) -> Audio2Exp:
    """Return the network of a loaded checkpoint, in evaluation mode; an error names `path`.

    Raises:
        InputError: it is of another version.
    """
    weights = state["networks"]["audio2exp"]
    settings = checkpoint.section(path, state, "audio2exp")
    network = build_audio2exp(settings, len(weights["linear.bias"]))
    network.load_state_dict(weights)
    return network.eval()


class PoseModel(nn.Module):
    """The CVAE with its audio encoder, in units of the training set's movements.

    Shapes: B samples, F frames, W mel steps, L latent entries.
    """

    def __init__(self, settings: Audio2Pose, scale: np.ndarray):
        super().__init__()
        encoder = AudioEncoderSizes(settings.audio_channels)
        self.audio = AudioEncoder(encoder)
        self.cvae = PoseCvae(
            PoseCvaeSizes(
                frames=settings.frames,
                pose=POSE,
                audio_features=encoder.channels[-1],
                audio_embedding=settings.audio_embedding,
                latent=settings.latent,
                styles=settings.styles,
                hidden=settings.hidden,
                unet_channels=settings.unet_channels,
            )
        )
        self.register_buffer("scale", torch.from_numpy(scale))

    def forward(self, mels: Tensor, pose: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return true and rebuilt movement [B, F, 6] in training units, and the code's mean and log-variance [B, L]."""
        movement = (pose - pose[:, :1]) / self.scale
        rebuilt = self.cvae(movement, pose[:, 0], self._hear(mels), style)
        return movement, rebuilt.motion, rebuilt.mean, rebuilt.log_variance

    def _hear(self, mels: Tensor) -> Tensor:
        return self.audio(mels.flatten(0, 1)).unflatten(0, mels.shape[:2])

    @torch.no_grad()
    def sequence(self, mels: Tensor, first: Tensor, style: int, code: Tensor) -> Tensor:
        """Return the pose [T, 6] of every frame of mel windows [T, 1, 80, W] (`stream`)."""
        return torch.cat([*self.stream(lambda frames: mels[[*frames]], len(mels), first, style, code)])

    def stream(
        self, windows: Callable[[Sequence[int]], Tensor], count: int, first: Tensor, style: int, code: Tensor
    ) -> Iterator[Tensor]:
        """Yield the poses [n, 6] of all frames, those of the next frames at a time, starting from `first` [6].

        Every window of the network starts at the last pose of the one before, and all share one `code` [L], so that
        nothing jumps between windows (the release starts each anew). A last window that is longer than the speech
        hears its last frame again.

        Args:
            windows: gives the mel windows [n, 1, 80, W] of frames; each frame is asked for once, in order.
            count: how many frames there are.
            first: the portrait's own pose.
            style: style class.
            code: drawn by the caller from a standard normal.
        """
        length, styles = self.cvae.sizes.frames, torch.tensor([style], device=first.device)
        poses, heard = first[None], self.audio(windows([0]))
        yield poses
        for start in range(1, count, length - 1):
            ahead = range(start, min(start + length - 1, count))
            heard = torch.cat([heard[-1:], self.audio(windows(ahead))])
            window = heard[torch.arange(length).clamp(max=len(heard) - 1)]
            movement = self.cvae.sample(poses[-1:], window[None], styles, code[None])[0] * self.scale
            poses = (poses[-1:] + movement[1:] - movement[:1])[: len(ahead)]
            yield poses


def load_audio2pose(path: str | Path) -> PoseModel:
    """Return the model of a `best.pt`, in evaluation mode.

    Raises:
        InputError: the checkpoint cannot be read, or is of another version.
    """
    return restore_audio2pose(path, checkpoint.load(path))


def restore_audio2pose(path: str | Path, state: Mapping[str, Any]) -> PoseModel:
    """Return the model of a loaded checkpoint, in evaluation mode; an error names `path`.

    Raises:
        InputError: it is of another version.
    """
    settings = checkpoint.section(path, state, "audio2pose")
    model = PoseModel(settings, np.ones(POSE, np.float32))
    model.load_state_dict(state["networks"]["pose"])
    return model.eval()

"""The networks from sound to motion coefficients: audio2exp and audio2pose, built from settings or loaded.

Shapes: B samples, T frames, F frames of a window, W mel steps, L latent entries.
"""

from pathlib import Path

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
    state = checkpoint.load(path)
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
        """Return the pose [T, 6] of every frame, starting from `first` [6].

        Every window of the network starts at the last pose of the one before, and all share one `code` [L], so that
        nothing jumps between windows (the release starts each anew).

        Args:
            mels: [T, 1, 80, W] windows of all frames.
            first: the portrait's own pose.
            style: style class.
            code: drawn by the caller from a standard normal.
        """
        frames, heard = self.cvae.sizes.frames, self.audio(mels)
        poses = first[None]
        styles = torch.tensor([style], device=mels.device)
        while len(poses) < len(heard):
            start = len(poses) - 1
            window = heard[torch.arange(start, start + frames).clamp(max=len(heard) - 1)]
            movement = self.cvae.sample(poses[-1:], window[None], styles, code[None])[0] * self.scale
            poses = torch.cat([poses, poses[-1:] + movement[1:] - movement[:1]])
        return poses[: len(heard)]


def load_audio2pose(path: str | Path) -> PoseModel:
    """Return the model of a `best.pt`, in evaluation mode.

    Raises:
        InputError: the checkpoint cannot be read, or is of another version.
    """
    state = checkpoint.load(path)
    settings = checkpoint.section(path, state, "audio2pose")
    model = PoseModel(settings, np.ones(POSE, np.float32))
    model.load_state_dict(state["networks"]["pose"])
    return model.eval()

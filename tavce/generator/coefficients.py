"""The networks from sound to motion coefficients: audio2exp and audio2pose, built from settings or loaded.

Shapes: B samples, T frames, F frames of a window, W mel steps, L latent entries.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.signal import savgol_filter
from torch import Tensor, nn

from tavce.config.generator import Audio2Exp as Audio2ExpSettings
from tavce.config.generator import Audio2Pose
from tavce.generator.samples import POSE
from tavce.networks.audio2exp import Audio2Exp, Audio2ExpSizes
from tavce.networks.audio2pose import PoseCvae, PoseCvaeSizes
from tavce.networks.encoders import AudioEncoder, AudioEncoderSizes
from tavce.training import checkpoint

SMOOTHED_FRAMES, SMOOTHED_ORDER = 13, 2  # of drawn movement, a Savitzky–Golay filter: as SadTalker smooths it
MOST_GAIN = 8.0
RETURN_FRAMES = 25  # 1 s: after it, 1/e is left of how far a head was from the portrait's pose


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
        self.register_buffer("gain", torch.ones(POSE))
        self.register_buffer("smoothing", _smoothing(settings.frames), persistent=False)

    def forward(self, mels: Tensor, pose: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return true and rebuilt movement [B, F, 6] in training units, and the code's mean and log-variance [B, L]."""
        movement = (pose - pose[:, :1]) / self.scale
        rebuilt = self.cvae(movement, pose[:, 0], self.hear(mels), style)
        return movement, rebuilt.motion, rebuilt.mean, rebuilt.log_variance

    def draw(self, reference: Tensor, heard: Tensor, style: Tensor, code: Tensor) -> Tensor:
        """Return smoothed movement [B, F, 6] of codes [B, L] in training units, before its gain; the first frame is 0.

        Args:
            reference: [B, 6] the poses that windows start at.
            heard: [B, F, A] features of their sound.
            style: [B] style classes.
            code: [B, L] drawn from a standard normal.
        """
        moved = torch.einsum("gf,bfp->bgp", self.smoothing, self.cvae.sample(reference, heard, style, code))
        return moved - moved[:, :1]

    def calibrate(self, drawn: Tensor, spread: Tensor) -> Tensor:
        """Set the gain with which drawn movement is spread as the training clips'; return the spread without it [6].

        Codes of a short training make less movement than the clips have. At most MOST_GAIN is made up for.

        Args:
            drawn: [B, F, 6] movement that codes make, in training units (`draw`).
            spread: [6] standard deviation of the clips' movement, in the coefficients' own units.
        """
        found = drawn[:, 1:].flatten(0, 1).std(dim=0) * self.scale
        self.gain.copy_((spread / found.clamp(min=1e-12)).clamp(1 / MOST_GAIN, MOST_GAIN))
        return found / spread

    def hear(self, mels: Tensor) -> Tensor:
        """Return the features [B, F, A] of mel windows [B, F, 1, 80, W]."""
        return self.audio(mels.flatten(0, 1)).unflatten(0, mels.shape[:2])

    @torch.no_grad()
    def sequence(self, mels: Tensor, first: Tensor, style: int, seed: int) -> Tensor:
        """Return the pose [T, 6] of every frame of mel windows [T, 1, 80, W] (`stream`)."""
        return torch.cat([*self.stream(lambda frames: mels[[*frames]], len(mels), first, style, seed)])

    def stream(
        self, windows: Callable[[Sequence[int]], Tensor], count: int, first: Tensor, style: int, seed: int
    ) -> Iterator[Tensor]:
        """Yield the poses [n, 6] of all frames, those of the next frames at a time, starting from `first` [6].

        Every window of the network has a code [L] of its own and starts at the last pose of the one before, so that
        nothing jumps (the release starts each window at the portrait's pose). How far the head is from `first` where a
        window starts fades with RETURN_FRAMES: what windows add up to would else turn a head out of the picture. A
        last window that is longer than the speech hears its last frame again.

        Args:
            windows: gives the mel windows [n, 1, 80, W] of frames; each frame is asked for once, in order.
            count: how many frames there are.
            first: the portrait's own pose.
            style: style class.
            seed: of the codes.
        """
        length, styles = self.cvae.sizes.frames, torch.tensor([style], device=first.device)
        codes = torch.Generator().manual_seed(seed)
        fading = torch.exp(-torch.arange(1, length, device=first.device) / RETURN_FRAMES)[:, None]
        poses, heard = first[None], self.audio(windows([0]))
        yield poses
        for start in range(1, count, length - 1):
            ahead = range(start, min(start + length - 1, count))
            heard = torch.cat([heard[-1:], self.audio(windows(ahead))])
            window = heard[torch.arange(length).clamp(max=len(heard) - 1)]
            code = torch.randn(1, self.cvae.sizes.latent, generator=codes).to(first.device)
            movement = self.draw(poses[-1:], window[None], styles, code)[0] * self.gain * self.scale
            away = poses[-1:] - first
            poses = (first + away * fading + movement[1:])[: len(ahead)]
            yield poses


def _smoothing(frames: int) -> Tensor:
    """Return the filter as a matrix [F, F] over the frames of a window."""
    width = min(SMOOTHED_FRAMES, frames - 1 + frames % 2)
    return torch.from_numpy(savgol_filter(np.eye(frames), width, SMOOTHED_ORDER, axis=0)).float()


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

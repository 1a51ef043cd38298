"""From motion coefficients to the movement of a face's keypoints.

Contract: a window of coefficients (64 expression, 3 rotation, 3 translation a frame) gives the motion of its middle
frame; a motion moves canonical keypoints to where the frame has them. Angles are in degrees.
Source: SadTalker's MappingNet; head pose bins and the transform, face-vid2vid.

Shapes: B batch, N coefficients a frame, T frames of the window, A angle bins, K keypoints.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from tavce.networks.sizes import require_odd, require_positive

DEGREES_PER_BIN = 3
ANGLE_BINS = 66
FIRST_BIN_DEGREES = -DEGREES_PER_BIN * ANGLE_BINS // 2  # -99


class FaceMotion(NamedTuple):
    """Head pose as distributions over angle bins (logits), translation, and the keypoints' own displacement."""

    yaw: Float[Tensor, "B 66"]
    pitch: Float[Tensor, "B 66"]
    roll: Float[Tensor, "B 66"]
    translation: Float[Tensor, "B 3"]
    expression: Float[Tensor, "B K 3"]


@dataclass(frozen=True)
class MappingSizes:
    """Widths of the mapping network; `window` is in frames, `kernel` is the first convolution's."""

    coefficients: int
    window: int
    channels: int
    kernel: int
    residual_layers: int
    residual_kernel: int
    dilation: int
    keypoints: int

    def __post_init__(self) -> None:
        require_positive(self)
        require_odd(self, "residual_kernel")
        if self.frames_left < 1:
            raise ValueError(f"MappingSizes.window of {self.window} frames is shorter than what the convolutions cut")

    @property
    def residual_margin(self) -> int:
        """Frames one residual convolution cuts from each end."""
        return self.dilation * (self.residual_kernel - 1) // 2

    @property
    def frames_left(self) -> int:
        """Frames left of the window after all convolutions."""
        return self.window - (self.kernel - 1) - 2 * self.residual_margin * self.residual_layers


class MotionHead(nn.Module):
    """Linear layers from one feature vector to a face motion."""

    def __init__(self, features: int, keypoints: int) -> None:
        super().__init__()
        self.yaw = nn.Linear(features, ANGLE_BINS)
        self.pitch = nn.Linear(features, ANGLE_BINS)
        self.roll = nn.Linear(features, ANGLE_BINS)
        self.translation = nn.Linear(features, 3)
        self.expression = nn.Linear(features, 3 * keypoints)

    def forward(self, features: Float[Tensor, "B C"]) -> FaceMotion:
        """Return the motion read from the features."""
        return FaceMotion(
            self.yaw(features),
            self.pitch(features),
            self.roll(features),
            self.translation(features),
            self.expression(features).unflatten(1, (-1, 3)),
        )


class Mapping(nn.Module):
    """Residual convolutions over a window of coefficients, their mean over time, and the motion read from it."""

    def __init__(self, sizes: MappingSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.first = nn.Conv1d(sizes.coefficients, sizes.channels, sizes.kernel)
        self.residuals = nn.ModuleList(
            nn.Conv1d(sizes.channels, sizes.channels, sizes.residual_kernel, dilation=sizes.dilation)
            for _ in range(sizes.residual_layers)
        )
        self.head = MotionHead(sizes.channels, sizes.keypoints)

    def forward(self, window: Float[Tensor, "B N T"]) -> FaceMotion:
        """Return the motion of the window's middle frame.

        Raises:
            ValueError: the window does not have the coefficients and frames the network was built for.
        """
        expected = (self.sizes.coefficients, self.sizes.window)
        if window.shape[1:] != expected:
            raise ValueError(f"a window of coefficients is {list(expected)}, not {list(window.shape[1:])}")
        margin = self.sizes.residual_margin
        features = self.first(window)
        for residual in self.residuals:
            kept = features[:, :, margin : features.shape[2] - margin]
            features = kept + residual(F.leaky_relu(features, 0.1))
        return self.head(features.mean(dim=2))


def headpose_degrees(logits: Float[Tensor, "B 66"]) -> Float[Tensor, " B"]:
    """Return the mean angle of a distribution over 3-degree bins, the first at -99 degrees, the last at 96."""
    degrees = FIRST_BIN_DEGREES + DEGREES_PER_BIN * torch.arange(ANGLE_BINS, dtype=logits.dtype, device=logits.device)
    return logits.softmax(dim=1) @ degrees


def rotation_matrix(
    yaw: Float[Tensor, " B"], pitch: Float[Tensor, " B"], roll: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 3"]:
    """Return pitch (about x) times yaw (about y) times roll (about z), angles in degrees, to act on column vectors."""
    about_x, about_y, about_z = (torch.deg2rad(angle) for angle in (pitch, yaw, roll))
    zero, one = torch.zeros_like(about_x), torch.ones_like(about_x)
    pitch_matrix = _matrix(one, zero, zero, zero, about_x.cos(), -about_x.sin(), zero, about_x.sin(), about_x.cos())
    yaw_matrix = _matrix(about_y.cos(), zero, about_y.sin(), zero, one, zero, -about_y.sin(), zero, about_y.cos())
    roll_matrix = _matrix(about_z.cos(), -about_z.sin(), zero, about_z.sin(), about_z.cos(), zero, zero, zero, one)
    return pitch_matrix @ yaw_matrix @ roll_matrix


def transform_keypoints(canonical: Float[Tensor, "B K 3"], motion: FaceMotion) -> Float[Tensor, "B K 3"]:
    """Return the canonical keypoints turned, shifted and displaced by a motion; nothing given is changed.

    Of the translation only y is used: x and z count as zero, whatever they hold [released code].
    """
    rotation = rotation_matrix(*(headpose_degrees(logits) for logits in (motion.yaw, motion.pitch, motion.roll)))
    upwards = motion.translation[:, 1]
    zero = torch.zeros_like(upwards)
    shift = torch.stack([zero, upwards, zero], dim=1)
    return canonical @ rotation.transpose(1, 2) + shift.unsqueeze(1) + motion.expression


def _matrix(*entries: Float[Tensor, " B"]) -> Float[Tensor, "B 3 3"]:
    return torch.stack(entries, dim=1).unflatten(1, (3, 3))

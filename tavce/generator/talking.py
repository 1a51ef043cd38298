"""Make a portrait talk: networks, portrait, speech and manner to frames, as they are asked for.

Shapes: B frames of a batch, T frames of the speech, S side of the picture, N coefficients (E expression and 6 pose).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, repeat
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from tavce.config.generator import Renderer
from tavce.dataset import to_unit
from tavce.generator import streams
from tavce.generator.bundle import Bundle
from tavce.generator.coefficients import PoseModel, restore_audio2exp, restore_audio2pose
from tavce.generator.model import FaceRenderer, restore_renderer
from tavce.generator.rendering import PortraitRenderer
from tavce.generator.samples import POSE
from tavce.generator.streams import Speech
from tavce.metric.model import FrozenMetric, restore_metric
from tavce.networks.audio2exp import Audio2Exp
from tavce.records import InputError

CPU_PIXELS = 256 * 256  # painted at once on a CPU
Item = TypeVar("Item")


@dataclass(frozen=True)
class TalkingNetworks:
    """The networks of a talking-head model, in evaluation mode and on one device."""

    renderer: FaceRenderer
    renderer_settings: Renderer
    audio2exp: Audio2Exp
    audio2pose: PoseModel
    metric: FrozenMetric | None  # None where the renderer attends to nothing

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return next(self.renderer.parameters()).device

    @cached_property
    def portrait_renderer(self) -> PortraitRenderer:
        """The renderer as it is used, made when it is first asked for."""
        return PortraitRenderer(self.renderer)


def networks_of(bundle: Bundle, device: torch.device) -> TalkingNetworks:
    """Return the networks of a talking-head model on a device.

    Raises:
        InputError: a part is of another version, or the renderer attends to a metric that is not there.
    """
    return assemble(f"model {bundle.name}", bundle.parts, device)


def assemble(name: str, states: Mapping[str, Mapping[str, Any]], device: torch.device) -> TalkingNetworks:
    """Return the networks of checkpoints by stage, on a device; `name` is what an error calls them.

    Raises:
        InputError: a checkpoint is of another version, or the renderer attends to a metric that is not there.
    """
    renderer, settings = restore_renderer(name, states["renderer"])
    if settings.attends and "metric" not in states:
        raise InputError(f"{name} attends to the correlation: give the metric's best.pt with --networks")
    metric = restore_metric(name, states["metric"]) if settings.attends else None
    return TalkingNetworks(
        renderer.to(device),
        settings,
        restore_audio2exp(name, states["audio2exp"]).to(device),
        restore_audio2pose(name, states["audio2pose"]).to(device),
        None if metric is None else metric.to(device),
    )


@dataclass(frozen=True)
class Portrait:
    """Who talks."""

    picture: np.ndarray  # uint8 [S, S, 3] RGB, S = image_px of the renderer
    coefficients: np.ndarray  # float32 [N] its own motion
    blink: float  # its own eye opening, a fraction of the inter-ocular distance


@dataclass(frozen=True)
class Manner:
    """How it talks."""

    pose: Literal["predicted", "still"]
    style: int  # class of head movement
    seed: int  # of the head's movement
    expression_frames: int  # frames audio2exp sees at once
    batch: int  # frames rendered at once; fewer on a CPU, where many save no time and take memory
    blink: np.ndarray | None = None  # float32 [T] wanted eye opening; None: as open as the portrait's


def talk(networks: TalkingNetworks, portrait: Portrait, speech: Speech, manner: Manner) -> Iterator[np.ndarray]:
    """Return an iterator of the frames, uint8 [B, S, S, 3] RGB a batch; memory does not grow with the speech.

    Every frame sees the coefficients of the frames around it (the mapping's window), and the change of the sound since
    the frame that is the metric's spacing before.

    Raises:
        InputError: portrait, speech or manner do not fit the networks.
    """
    _refuse_misfits(networks, portrait, speech, manner)
    return _frames(networks, portrait, speech, manner)


def synthetic_note(model: str, model_digest: str, settings_digest: str) -> str:
    """Return the comment that a made video bears in its metadata: that it is synthetic, and what made it."""
    return f"synthetic: {model} {model_digest}, settings {settings_digest}"


def _refuse_misfits(networks: TalkingNetworks, portrait: Portrait, speech: Speech, manner: Manner) -> None:
    side = networks.renderer_settings.networks.image_px
    if portrait.picture.shape != (side, side, 3):
        raise InputError(f"a portrait of {list(portrait.picture.shape)} does not fit the renderer's {[side, side, 3]}")
    wanted = networks.renderer.mapping.sizes.coefficients
    if portrait.coefficients.shape != (wanted,):
        raise InputError(f"the portrait has {portrait.coefficients.size} coefficients, the renderer takes {wanted}")
    if speech.frames < 1:
        raise InputError("the speech has no frame: it must last 1 / 25 s at least")
    styles = networks.audio2pose.cvae.sizes.styles
    if manner.pose == "predicted" and not 0 <= manner.style < styles:
        raise InputError(f"style {manner.style} is none of the model's {styles}: choose 0 to {styles - 1}")
    if manner.blink is not None and manner.blink.shape != (speech.frames,):
        raise InputError(f"blink says {manner.blink.size} frames, the speech has {speech.frames}")


@torch.inference_mode()
def _frames(networks: TalkingNetworks, portrait: Portrait, speech: Speech, manner: Manner) -> Iterator[np.ndarray]:
    device, window = networks.device, networks.renderer_settings.networks.mapping.window
    own = torch.from_numpy(portrait.coefficients).to(device)
    source = to_unit(portrait.picture[None]).to(device)
    renderer = networks.portrait_renderer
    seen = renderer.look(source, own[None, :, None].expand(-1, -1, window))
    windows = streams.centred_windows(_motion(networks, own, portrait.blink, speech, manner), window)
    heard = repeat(None) if networks.metric is None else streams.attentions(networks.metric, speech, device)
    for batch in _batches(zip(windows, heard, strict=False), _at_once(networks, manner.batch)):
        moved, attended = zip(*batch, strict=True)
        attention = None if networks.metric is None else torch.stack(attended)
        painted = renderer.frames(seen, torch.stack(moved), attention)
        yield (painted.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _at_once(networks: TalkingNetworks, batch: int) -> int:
    if networks.device.type != "cpu":
        return batch
    return min(batch, max(1, CPU_PIXELS // networks.renderer_settings.networks.image_px**2))


def _motion(
    networks: TalkingNetworks, own: Tensor, open_eyes: float, speech: Speech, manner: Manner
) -> Iterator[Tensor]:
    """Yield the coefficients [N] of every frame."""
    device = own.device
    if manner.blink is None:
        blink = torch.tensor([[open_eyes]], device=device).expand(speech.frames, 1)
    else:
        blink = torch.from_numpy(manner.blink).to(device)[:, None]
    said = streams.expressions(networks.audio2exp, speech, own[:-POSE], blink, manner.expression_frames)
    if manner.pose == "still":
        moved = repeat(own[-POSE:])
    else:
        moved = streams.poses(networks.audio2pose, speech, own[-POSE:], manner.style, manner.seed)
    for expression, pose in zip(said, moved, strict=False):
        yield torch.cat([expression, pose])


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    items = iter(items)
    while batch := [*islice(items, size)]:
        yield batch

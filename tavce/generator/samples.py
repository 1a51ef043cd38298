"""What the generator's networks learn from.

Shapes: F frames of a window, W mel steps, N motion coefficients, S side of a picture,
I side of a mouth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tavce.dataset import Clips, Draws, Entry, to_unit
from tavce.faces.points import mouth_box
from tavce.generator.losses import eye_opening, mouth_boxes
from tavce.records import InputError

POSE = 6  # rotation and translation, the last coefficients


class ExpressionDraws(Draws):
    """A window of frames: `mels` [F, 1, 80, W], `reference` [F, E] (another frame's expression), `blink` [F, 1],
    `expression` [F, E]."""

    def __init__(self, entries: Sequence[Entry], clips: Clips, frames: int, seed: int):
        super().__init__(entries, clips, seed)
        self._frames = frames
        require_frames(entries, frames, "audio2exp.frames")

    def sample(self, entry: Entry, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """Return one window of a clip."""
        start = int(random.integers(entry.frames - self._frames + 1))
        window = range(start, start + self._frames)
        expression = torch.from_numpy(self.clips.motion(entry))[:, :-POSE]
        reference = expression[int(random.integers(entry.frames))]
        points = torch.from_numpy(self.clips.landmarks(entry)[start : start + self._frames])
        return {
            "mels": mel_windows(self.clips, entry, window),
            "reference": reference.expand(self._frames, -1).clone(),
            "blink": eye_opening(points).unsqueeze(1),
            "expression": expression[start : start + self._frames].clone(),
        }


class PoseDraws(Draws):
    """A window of frames: `mels` [F, 1, 80, W], `pose` [F, 6], `style` (the speaker's class)."""

    def __init__(self, entries: Sequence[Entry], clips: Clips, styles: dict[str, int], frames: int, seed: int):
        super().__init__(entries, clips, seed)
        self._frames = frames
        self._styles = styles
        require_frames(entries, frames, "audio2pose.frames")

    def sample(self, entry: Entry, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """Return one window of a clip."""
        start = int(random.integers(entry.frames - self._frames + 1))
        return {
            "mels": mel_windows(self.clips, entry, range(start, start + self._frames)),
            "pose": torch.from_numpy(self.clips.motion(entry)[start : start + self._frames, -POSE:].copy()),
            "style": torch.tensor(self._styles.get(entry.speaker, 0)),
        }


@dataclass(frozen=True)
class FrameShape:
    """What a renderer's sample looks like."""

    image_px: int
    window: int  # frames of coefficients
    spacing: int  # frames between the target and the frame before it
    mouth_px: int  # side of the mouth box in the crop
    input_px: int  # side of the mouths that the metric looks at


class FrameDraws(Draws):
    """A source and a target frame of a clip: `source`, `target` uint8 [S, S, 3], `before` uint8 [I, I, 3] (the mouth,
    as the metric looks at it, of the real frame `spacing` before the target), `source_window`, `target_window`
    [N, window], `mels` [2, 1, 80, W] (of before and target), `target_box` (left, top, side of the mouth, fractions of
    the picture's side). Pictures are bytes, a quarter of what floats are to hand over: `unit_pictures` gives those."""

    def __init__(self, entries: Sequence[Entry], clips: Clips, shape: FrameShape, seed: int):
        super().__init__(entries, clips, seed)
        self._shape = shape
        require_frames(entries, shape.spacing + 1, "spacing of the metric")

    def sample(self, entry: Entry, random: np.random.Generator) -> dict[str, torch.Tensor]:
        """Return one pair of frames of a clip."""
        shape = self._shape
        source, target = self._frames(entry, random)
        before = target - shape.spacing
        motion = self.clips.motion(entry)
        pictures = {"source": source, "target": target}
        return {
            **{name: torch.from_numpy(self.clips.picture(entry, at, shape.image_px)) for name, at in pictures.items()},
            "before": self._mouth(entry, before),
            "source_window": still_window(motion[source], shape.window),
            "target_window": motion_window(motion, target, shape.window),
            "mels": mel_windows(self.clips, entry, [before, target]),
            "target_box": self._box(entry, target),
        }

    def target(self, draw: int) -> tuple[Entry, int]:
        """Return the clip of a draw and its target frame."""
        entry = self.entry(draw)
        return entry, self._frames(entry, self.random(draw))[1]

    def _frames(self, entry: Entry, random: np.random.Generator) -> tuple[int, int]:
        """Return a source and a target frame."""
        source = int(random.integers(entry.frames))
        return source, int(random.integers(self._shape.spacing, entry.frames))

    def _box(self, entry: Entry, frame: int) -> torch.Tensor:
        side = self.clips.crop_side(entry)
        left, top = mouth_box(self.clips.landmarks(entry)[frame], self._shape.mouth_px, side)
        return torch.tensor([left, top, self._shape.mouth_px], dtype=torch.float32) / side

    def _mouth(self, entry: Entry, frame: int) -> torch.Tensor:
        """Return the mouth of a frame, as sharp as one that is cut out of a painted picture.

        That is the stored one where pictures are painted as large as crops are; else of the frame in the painted size.
        """
        shape = self._shape
        if self.clips.crop_side(entry) == shape.image_px:
            return torch.from_numpy(self.clips.mouth(entry, frame, shape.mouth_px, shape.input_px))
        picture = to_unit(self.clips.picture(entry, frame, shape.image_px))[None]
        mouth = mouth_boxes(picture, self._box(entry, frame)[None], shape.input_px)[0]
        return (mouth * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()


def unit_pictures(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a batch whose pictures, bytes [B, S, S, 3], are float32 [B, 3, S, S] in [0, 1], on the batch's device."""
    return {
        name: value.permute(0, 3, 1, 2).contiguous().float() / 255 if value.dtype == torch.uint8 else value
        for name, value in batch.items()
    }


def mel_windows(clips: Clips, entry: Entry, frames: Sequence[int]) -> torch.Tensor:
    """Return the mel windows float32 [F, 1, 80, W] of frames."""
    return torch.from_numpy(clips.mels(entry, frames)).transpose(1, 2).unsqueeze(1).contiguous()


def motion_window(motion: np.ndarray, frame: int, window: int) -> torch.Tensor:
    """Return the coefficients float32 [N, window] around a frame, those of the ends repeated beyond them."""
    frames = np.clip(np.arange(frame - window // 2, frame - window // 2 + window), 0, len(motion) - 1)
    return torch.from_numpy(np.ascontiguousarray(motion[frames].T))


def still_window(coefficients: np.ndarray, window: int) -> torch.Tensor:
    """Return one frame's coefficients [N] as a window [N, window]: all that is known of a portrait."""
    return torch.from_numpy(np.repeat(coefficients[:, None], window, axis=1))


def require_frames(entries: Sequence[Entry], frames: int, setting: str) -> None:
    """Refuse clips that are too short to draw from.

    Raises:
        InputError: names the first clip, its length and the setting.
    """
    for entry in entries:
        if entry.frames < frames:
            raise InputError(
                f"clip {entry.clip_id} has {entry.frames} frames, {setting} needs {frames}: raise trim.min_frames"
            )

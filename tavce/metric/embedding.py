"""What a trained metric makes of a clip: embeddings of every frame, and beside them plain facts about the frames.

Shapes: T frames, C embedding entries, S side of the mouth box in px.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from tavce.config.learning import Metric
from tavce.dataset import Clips, Entry, to_unit
from tavce.faces.points import mouth_centre, mouth_opening
from tavce.metric.correlation import similarity
from tavce.metric.model import Encoders

CHUNK = 16  # frames embedded at once: more take memory, and no less time on a CPU
FRAMES = 500  # of a clip that are looked at
SMALL_PX = 48  # side of the mouth boxes that are compared pixel by pixel


@dataclass(frozen=True)
class Embedded:
    """One clip: what the metric makes of it, and what can be seen and heard without learning."""

    voices: np.ndarray  # [T, C]
    faces: np.ndarray  # [T, C]
    pixel_change: np.ndarray  # [T, T]: how much the mouth boxes of two frames differ
    opening: np.ndarray  # [T]: of the mouth, of the eyes' distance
    centre: np.ndarray  # [T, 2] px: of the mouth in the crop
    sound: np.ndarray  # [T, 80]: the mean of each frame's mel window

    @property
    def frames(self) -> int:
        """T."""
        return len(self.faces)


def embed(encoders: Encoders, clips: Clips, entry: Entry, recipe: Metric) -> Embedded:
    """Return the embeddings of a clip's first frames, computed in evaluation mode on the encoders' device."""
    voices, faces, pictures, sound = [], [], [], []
    count = min(entry.frames, FRAMES)
    for start in range(0, count, CHUNK):
        frames = range(start, min(start + CHUNK, count))
        seen = clips.mouths(entry, frames, recipe.mouth_px, recipe.input_px)
        mels = clips.mels(entry, frames)
        voices.append(embed_voices(encoders, mels))
        faces.append(embed_faces(encoders, seen))
        pictures += [*seen]
        sound.append(mels.mean(axis=1))
    landmarks = clips.landmarks(entry)[:count]
    return Embedded(
        voices=np.concatenate(voices),
        faces=np.concatenate(faces),
        pixel_change=pixel_change(pictures),
        opening=mouth_opening(landmarks),
        centre=mouth_centre(landmarks),
        sound=np.concatenate(sound),
    )


@torch.no_grad()
def embed_voices(encoders: Encoders, mels: np.ndarray) -> np.ndarray:
    """Return the embeddings float32 [n, C] of mel windows [n, W, 80]; n no more than fit into memory at once."""
    heard = torch.from_numpy(mels).transpose(1, 2).unsqueeze(1)
    return encoders.audio(heard.to(_device(encoders))).cpu().numpy()


@torch.no_grad()
def embed_faces(encoders: Encoders, mouths: np.ndarray) -> np.ndarray:
    """Return the embeddings float32 [n, C] of mouth boxes uint8 [n, S, S, 3]; n no more than fit at once."""
    return encoders.face((to_unit(mouths) * 2 - 1).to(_device(encoders))).cpu().numpy()


def _device(encoders: Encoders) -> torch.device:
    return next(encoders.parameters()).device


def pixel_change(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return ‖difference‖ of values in 0 … 1, float32 [T, T], of every two pictures uint8 [S, S, 3], made small."""
    side_px = min(SMALL_PX, pictures[0].shape[0])
    small = [cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA) for picture in pictures]
    flat = np.stack(small).reshape(len(small), -1) / 255
    products = flat @ flat.T
    squares = products.diagonal()
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0)).astype(np.float32)


def changes(moments: np.ndarray, spacing: int) -> np.ndarray:
    """Return the change [T − Δ, …] of what was noted of every frame [T, …] to the frame Δ later."""
    return moments[spacing:] - moments[:-spacing]


def squared_cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return cos² of every two changes [n, C], whatever the recipe."""
    return similarity(torch.from_numpy(one), torch.from_numpy(other)).numpy()


def alike(voice: np.ndarray, face: np.ndarray, recipe: Metric) -> np.ndarray:
    """Return the recipe's similarity of every two changes [n, C]."""
    return similarity(torch.from_numpy(voice), torch.from_numpy(face), recipe.signed).numpy()

"""Does a trained metric listen? What it tells apart on speakers it has not seen (the question of `make demo`'s report).

AUC 0.5 is a guess. A metric that ignores the sound still tells far frames from near ones: so the same AUC is measured
with the sound of another clip, from the pixels alone, and with another moment's sound for the same faces.
Shapes: T frames, C embedding entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import mannwhitneyu

from tavce.config.learning import Metric
from tavce.dataset import Clips, Entry, to_unit
from tavce.metric.correlation import direction
from tavce.metric.model import Encoders
from tavce.metric.pairs import far_frame

MAX_LAG = 15  # frames
CHUNK = 128  # frames embedded at once


@dataclass(frozen=True)
class Embedded:
    """One clip: embeddings of every frame's voice and face [T, C], and its mouth pixels [T, P]."""

    voices: np.ndarray
    faces: np.ndarray
    pixels: np.ndarray


@torch.no_grad()
def embed(encoders: Encoders, clips: Clips, entry: Entry, recipe: Metric) -> Embedded:
    """Return a clip's embeddings, computed in evaluation mode on the encoders' device."""
    device = next(encoders.parameters()).device
    voices, faces, pixels = [], [], []
    for start in range(0, entry.frames, CHUNK):
        frames = range(start, min(start + CHUNK, entry.frames))
        pictures = np.stack([clips.mouth(entry, frame, recipe.mouth_px, recipe.input_px) for frame in frames])
        mels = torch.from_numpy(np.stack([clips.mel(entry, frame) for frame in frames])).transpose(1, 2)
        voices.append(encoders.audio(mels.unsqueeze(1).to(device)).cpu())
        faces.append(encoders.face((to_unit(pictures) * 2 - 1).to(device)).cpu())
        pixels.append(pictures.reshape(len(pictures), -1).astype(np.float32) / 255)
    return Embedded(torch.cat(voices).numpy(), torch.cat(faces).numpy(), np.concatenate(pixels))


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the chance that a positive value exceeds a negative one, ties counting half."""
    return float(mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative)))


def cos2(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return cos² of every two rows [n, C]."""
    one, other = (direction(torch.from_numpy(item)).numpy() for item in (one, other))
    return np.square((one * other).sum(axis=1))


def listening(embedded: Sequence[Embedded], recipe: Metric) -> dict[str, float | int | None]:
    """Return what the metric tells apart on the given clips, two at least for the shuffled sound.

    auc_time: pairs against far frames. auc_time_shuffled: the same with the next clip's sound. auc_time_pixels: the
    same from −‖change of pixels‖. auc_audio: against other moments' sound. offset_exact, offset_within_1: clips whose
    best lag is 0, at most 1. health: mean cos² between unrelated voice changes (0.9: one constant direction).
    """
    random = np.random.default_rng(0)
    columns = [
        _clip_columns(clip, embedded[(k + 1) % len(embedded)], recipe, random) for k, clip in enumerate(embedded)
    ]
    pooled = {name: np.concatenate([clip[name] for clip in columns]) for name in columns[0]}
    lags = [abs(best_lag(clip, recipe.spacing)) for clip in embedded]
    several = len(embedded) > 1
    return {
        "auc_time": auc(pooled["pair"], pooled["far"]),
        "auc_time_shuffled": auc(pooled["pair_shuffled"], pooled["far_shuffled"]) if several else None,
        "auc_time_pixels": auc(pooled["pair_pixels"], pooled["far_pixels"]),
        "auc_audio": auc(pooled["pair"], pooled["other_voice"]),
        "offset_exact": sum(lag == 0 for lag in lags),
        "offset_within_1": sum(lag <= 1 for lag in lags),
        "offset_clips": len(lags),
        "health": float(pooled["unrelated"].mean()),
    }


def _clip_columns(
    clip: Embedded, stranger: Embedded, recipe: Metric, random: np.random.Generator
) -> dict[str, np.ndarray]:
    spacing, distance = recipe.spacing, recipe.distance
    count = len(clip.faces) - spacing
    now = np.arange(count)
    far = np.array([far_frame(frame, len(clip.faces), distance, random) for frame in now])
    other = np.array([far_frame(frame, count, distance, random) for frame in now])
    voice = clip.voices[spacing:] - clip.voices[:-spacing]
    strange = stranger.voices[spacing:] - stranger.voices[:-spacing]
    strange = strange[now % len(strange)]
    near_face, far_face = clip.faces[now + spacing] - clip.faces[now], clip.faces[far] - clip.faces[now]
    return {
        "pair": cos2(voice, near_face),
        "far": cos2(voice, far_face),
        "pair_shuffled": cos2(strange, near_face),
        "far_shuffled": cos2(strange, far_face),
        "pair_pixels": -np.linalg.norm(clip.pixels[now + spacing] - clip.pixels[now], axis=1),
        "far_pixels": -np.linalg.norm(clip.pixels[far] - clip.pixels[now], axis=1),
        "other_voice": cos2(voice[other], near_face),
        "unrelated": cos2(voice, voice[other]),
    }


def best_lag(clip: Embedded, spacing: int) -> int:
    """Return the lag in frames, video − audio (positive: the sound is early), at which both change most alike."""
    voice = clip.voices[spacing:] - clip.voices[:-spacing]
    face = clip.faces[spacing:] - clip.faces[:-spacing]
    means = {lag: cos2(*_overlap(face, voice, lag)).mean() for lag in range(-MAX_LAG, MAX_LAG + 1)}
    return max(means, key=lambda lag: (means[lag], -abs(lag)))


def _overlap(face: np.ndarray, voice: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows where face t meets voice t − lag."""
    count = len(face) - abs(lag)
    return face[max(lag, 0) :][:count], voice[max(-lag, 0) :][:count]

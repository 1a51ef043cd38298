"""What a metric's similarity follows: its rank correlation with plain facts about the same two moments.

A metric that listens follows none of them closely. One that cheats follows what tells near frames from far ones, and
is much the same with a single direction in place of the voice.
Shapes: n pairs of frames, C embedding entries.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from tavce.config.learning import Metric
from tavce.metric.auc import auc
from tavce.metric.embedding import Embedded, alike, changes
from tavce.metric.pairs import far_frame

Columns = dict[str, np.ndarray]
NAMES = ("similarity", "one_direction", "frames_apart", "pixels", "opening", "mouth_place", "sound")


def cues(clips: Sequence[Embedded], recipe: Metric) -> dict[str, float | None]:
    """Return Spearman's ρ, −1 … 1, of the similarity with each cue over near and far pairs, None where one is constant.

    `frames_apart`, and the change of `pixels`, mouth `opening`, `mouth_place` (px in the crop), `sound` (the mel);
    `one_direction`: the similarity with the direction that voices change in most, whatever is said; and
    `auc_time_one_direction`, the AUC against far frames from that alone.
    """
    direction = common_direction(np.concatenate([changes(clip.voices, recipe.spacing) for clip in clips]))
    columns = [_columns(clip, recipe, direction) for clip in clips]
    near, far = ({name: np.concatenate([pair[side][name] for pair in columns]) for name in NAMES} for side in (0, 1))
    everything = {name: np.concatenate([near[name], far[name]]) for name in NAMES}
    found = {name: _rho(everything["similarity"], everything[name]) for name in NAMES if name != "similarity"}
    return {**found, "auc_time_one_direction": auc(near["one_direction"], far["one_direction"])}


def common_direction(voices: np.ndarray) -> np.ndarray:
    """Return the direction [C] of length one with the largest mean cos² to changes [n, C], whichever their lengths."""
    lengths = np.linalg.norm(voices, axis=1, keepdims=True)
    unit = np.divide(voices, lengths, out=np.zeros_like(voices), where=lengths > 0)
    return np.linalg.eigh(unit.T @ unit)[1][:, -1]


def _columns(clip: Embedded, recipe: Metric, direction: np.ndarray) -> tuple[Columns, Columns]:
    """Return the similarity and the cues of a clip's near pairs, and of as many far ones."""
    random = np.random.default_rng(1)
    now = np.arange(clip.frames - recipe.spacing)
    far = np.array([far_frame(frame, clip.frames, recipe.distance, random) for frame in now])
    voice = changes(clip.voices, recipe.spacing)
    sound = np.linalg.norm(changes(clip.sound, recipe.spacing), axis=1)
    both = []
    for later in (now + recipe.spacing, far):
        face = clip.faces[later] - clip.faces[now]
        place = np.linalg.norm(clip.centre[later] - clip.centre[now], axis=1)
        columns = (
            alike(voice, face, recipe),
            alike(np.repeat(direction[None], len(face), axis=0), face, recipe),
            np.abs(later - now),
            clip.pixel_change[now, later],
            np.abs(clip.opening[later] - clip.opening[now]),
            place,
            sound,
        )
        both.append(dict(zip(NAMES, columns, strict=True)))
    return tuple(both)


def _rho(one: np.ndarray, other: np.ndarray) -> float | None:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)

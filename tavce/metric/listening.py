"""Does a trained metric listen? What it tells apart on speakers it has not seen.

A metric that ignores the sound still tells far frames from near ones, so the AUC against far frames proves nothing.
The same is therefore measured with another clip's sound, from the pixels alone, and against far frames that differ no
more than near ones do; and what counts is another moment's sound for the same faces.
Shapes: n pairs of frames of a clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tavce.config.learning import Metric
from tavce.metric.auc import Area, area
from tavce.metric.embedding import Embedded, alike, changes, squared_cosine
from tavce.metric.lags import FEWEST, MAX_LAG, best_lag, similarity_by_lag
from tavce.metric.pairs import far_frame

GRID = tuple((spacing, distance) for spacing in (1, 2, 3, 5) for distance in (spacing + 2, MAX_LAG))
MATCHED = 0.1  # a far frame differs as much as the near one where both changes of pixels are this near, as a share

AREAS = {  # name → what belongs together, and what does not
    "auc_audio": ("pair", "other_voice"),
    "auc_clip": ("pair", "strange_voice"),
    "auc_time": ("pair", "far"),
    "auc_time_shuffled": ("strange_voice", "far_strange"),
    "auc_time_pixels": ("pair_pixels", "far_pixels"),
    "auc_matched": ("to_match", "matched"),
    "auc_matched_shuffled": ("strange_to_match", "matched_strange"),
    "auc_matched_pixels": ("pixels_to_match", "matched_pixels"),
}
GRID_AREAS = ("auc_audio", "auc_time", "auc_time_shuffled", "auc_time_pixels")
KINDS = ("pair", "other_voice", "far", "matched", "unrelated", "still")


@dataclass(frozen=True)
class Heard:
    """What a metric tells apart; `numbers` are one each, the rest is drawn or tabled."""

    numbers: dict[str, float | int | None]
    intervals: dict[str, tuple[float, float] | None]
    auc_by_delay: dict[int, float]  # delay of the sound in frames → AUC against the sound in time
    similarity_by_lag: dict[int, float]  # mean over clips
    grid: list[dict[str, float | int | None]]
    values: dict[str, np.ndarray] = field(repr=False)  # similarities of all pairs by kind


def frames_needed(recipe: Metric) -> int:
    """Return the fewest frames of a clip that can be asked everything."""
    widest = max(spacing for spacing, _ in (*GRID, (recipe.spacing, 0)))
    return max(2 * max(MAX_LAG, recipe.distance), MAX_LAG + FEWEST) + widest + 1


def listening(clips: Sequence[Embedded], recipe: Metric) -> Heard:
    """Return what the metric tells apart on clips of at least `frames_needed` frames.

    The `report`'s page says what each number means; what needs another clip's sound is None for a single clip.
    """
    where = recipe.spacing, recipe.distance
    basic = _pairs(clips, recipe, *where)
    pairs = [pair | _matched(clip, pair, recipe) for clip, pair in zip(clips, basic, strict=True)]
    areas = {name: _area(pairs, *kinds) for name, kinds in AREAS.items()}
    lags = [similarity_by_lag(clip, recipe) for clip in clips]
    best = [abs(best_lag(means)) for means in lags]
    pooled = {kind: np.concatenate([pair[kind] for pair in pairs]) for kind in KINDS}
    return Heard(
        numbers={
            **{name: found and found.value for name, found in areas.items()},
            "matched": len(pooled["matched"]) / len(pooled["pair"]),
            "health": float(pooled["unrelated"].mean()),
            "still": float(pooled["still"].mean()),
            "offset_exact": sum(lag == 0 for lag in best),
            "offset_within_1": sum(lag <= 1 for lag in best),
            "offset_clips": len(best),
        },
        intervals={name: found and found.interval for name, found in areas.items()},
        auc_by_delay={delay: _delayed(clips, recipe, delay) for delay in range(1, MAX_LAG + 1)},
        similarity_by_lag={lag: float(np.mean([means[lag] for means in lags])) for lag in lags[0]},
        grid=[_grid_row(clips, recipe, *where) for where in GRID],
        values={kind: pooled[kind] for kind in ("pair", "other_voice", "far")},
    )


def _pairs(clips: Sequence[Embedded], recipe: Metric, spacing: int, distance: int) -> list[dict[str, np.ndarray]]:
    """Return what is compared of every clip, pairs being `spacing` and negatives `distance` apart."""
    strangers = [*clips[1:], clips[0]] if len(clips) > 1 else [None]
    return [
        _pairs_of(clip, _voices(stranger, clip, spacing), recipe, spacing, distance)
        for clip, stranger in zip(clips, strangers, strict=True)
    ]


def _voices(stranger: Embedded | None, clip: Embedded, spacing: int) -> np.ndarray:
    """Return a change [n, C] of another clip's voice for every pair of a clip's frames; none without another clip."""
    if stranger is None:
        return clip.voices[:0]
    strange = changes(stranger.voices, spacing)
    return strange[np.arange(clip.frames - spacing) % len(strange)]


def _pairs_of(
    clip: Embedded, strange: np.ndarray, recipe: Metric, spacing: int, distance: int
) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    now = np.arange(clip.frames - spacing)
    far = np.array([far_frame(frame, clip.frames, distance, random) for frame in now])
    other = np.array([far_frame(frame, len(now), distance, random) for frame in now])
    voice, face = changes(clip.voices, spacing), changes(clip.faces, spacing)
    far_face = clip.faces[far] - clip.faces[now]
    return {
        "pair": alike(voice, face, recipe),
        "far": alike(voice, far_face, recipe),
        "other_voice": alike(voice[other], face, recipe),
        "strange_voice": alike(strange, face[: len(strange)], recipe),
        "far_strange": alike(strange, far_face[: len(strange)], recipe),
        "pair_pixels": -clip.pixel_change[now, now + spacing],
        "far_pixels": -clip.pixel_change[now, far],
        "unrelated": squared_cosine(voice, voice[other]),
        "still": (np.abs(face).max(axis=1) == 0).astype(float),
        "strange": strange,
    }


def _matched(clip: Embedded, pair: dict[str, np.ndarray], recipe: Metric) -> dict[str, np.ndarray]:
    """Return what is compared where a far frame differs in its pixels about as much as the near one."""
    now = np.arange(clip.frames - recipe.spacing)
    wanted = clip.pixel_change[now, now + recipe.spacing][:, None]
    off = np.abs(clip.pixel_change[now] - wanted)
    off[np.abs(np.arange(clip.frames) - now[:, None]) < recipe.distance] = np.inf
    like = off.min(axis=1) <= MATCHED * wanted[:, 0]
    far, now = off.argmin(axis=1)[like], now[like]
    voice, strange = changes(clip.voices, recipe.spacing)[now], pair["strange"]
    face, strange = clip.faces[far] - clip.faces[now], strange[now] if len(strange) else strange
    return {
        "to_match": pair["pair"][now],
        "matched": alike(voice, face, recipe),
        "strange_to_match": pair["strange_voice"][now] if len(strange) else pair["strange_voice"],
        "matched_strange": alike(strange, face[: len(strange)], recipe),
        "pixels_to_match": pair["pair_pixels"][now],
        "matched_pixels": -clip.pixel_change[now, far],
    }


def _area(pairs: Sequence[dict[str, np.ndarray]], positive: str, negative: str) -> Area | None:
    return area([pair[positive] for pair in pairs], [pair[negative] for pair in pairs])


def _delayed(clips: Sequence[Embedded], recipe: Metric, delay: int) -> float:
    """Return the AUC of the sound in time against the sound `delay` frames late, for the same faces."""
    in_time, late = [], []
    for clip in clips:
        voice, face = changes(clip.voices, recipe.spacing), changes(clip.faces, recipe.spacing)
        in_time.append(alike(voice[delay:], face[delay:], recipe))
        late.append(alike(voice[:-delay], face[delay:], recipe))
    return area(in_time, late).value


def _grid_row(clips: Sequence[Embedded], recipe: Metric, spacing: int, distance: int) -> dict[str, float | int | None]:
    pairs = _pairs(clips, recipe, spacing, distance)
    found = {name: _area(pairs, *AREAS[name]) for name in GRID_AREAS}
    return {"spacing": spacing, "distance": distance, **{name: area and area.value for name, area in found.items()}}

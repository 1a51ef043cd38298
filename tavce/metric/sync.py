"""How far sound and picture of clips are apart, told by a trained metric.

Reads   best.pt of a metric, an index and the shards it names
Writes  one line a clip: clip_id, speaker, split; `offset_frames` (video − audio: above 0 the sound is early) and
        `offset_s`; `similarity`, the mean there; `confidence`, by how much it exceeds the median over lags;
        or null and a `reason`. Offsets beyond 15 frames are not looked for; of a clip, 20 s are looked at.
Source  the lag of the best mean similarity; SyncNet's offset and confidence are formed alike (Chung & Zisserman 2016)
"""

import argparse
import logging
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel

from tavce.config import parse_sections
from tavce.config.learning import Metric
from tavce.dataset import Clips, Entry, read_index
from tavce.files import input_file
from tavce.metric.embedding import Embedded, changes, embed
from tavce.metric.lags import best_lag, frames_needed, similarity_by_lag
from tavce.metric.model import FrozenMetric, load_metric
from tavce.progress import progress
from tavce.records import SPLITS, write_lines

log = logging.getLogger(__name__)


class Offset(BaseModel):
    """One clip's line."""

    clip_id: str
    speaker: str
    split: str
    offset_frames: int | None = None
    offset_s: float | None = None
    similarity: float | None = None
    confidence: float | None = None
    reason: str | None = None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--metric", type=input_file, required=True, help="best.pt of a metric that listens")
    parser.add_argument(
        "--indexes", type=input_file, nargs="+", required=True, help="indexes of the datasets, .parquet"
    )
    parser.add_argument("--split", choices=SPLITS, help="clips of one split only")
    parser.add_argument("--out", required=True, help="output: one line a clip, .jsonl")
    parser.add_argument("--threads", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Tell the offset of every clip."""
    torch.set_num_threads(arguments.threads)
    window = parse_sections(arguments.settings)["window"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    metric, clips = load_metric(arguments.metric).to(device), Clips(window)
    entries = read_index(arguments.indexes, arguments.split)
    lines = [offset_of(metric, clips, entry, window.rate_hz) for entry in progress(entries, "sync")]
    write_lines(Path(arguments.out), lines)
    told = Counter(line.offset_frames for line in lines if line.reason is None)
    log.info("offsets in frames, and clips: %s", ", ".join(f"{lag:+d}: {told[lag]}" for lag in sorted(told)))
    if len(lines) > told.total():
        log.warning("%d of %d clips have no offset: see `reason`", len(lines) - told.total(), len(lines))


def offset_of(metric: FrozenMetric, clips: Clips, entry: Entry, rate_hz: int) -> Offset:
    """Return the offset of one clip, or the reason why it cannot be told."""
    line = Offset(clip_id=entry.clip_id, speaker=entry.speaker, split=entry.split)
    needed = frames_needed(metric.recipe.spacing)
    if entry.frames < needed:
        return line.model_copy(update={"reason": f"too_short: {entry.frames} frames, {needed} are needed"})
    clip = embed(metric.encoders, clips, entry, metric.recipe)
    if still := _still(clip, metric.recipe):
        return line.model_copy(update={"reason": still})
    means = similarity_by_lag(clip, metric.recipe)
    lag = best_lag(means)
    return line.model_copy(
        update={
            "offset_frames": lag,
            "offset_s": round(lag / rate_hz, 3),
            "similarity": round(means[lag], 4),
            "confidence": round(means[lag] - float(np.median([*means.values()])), 4),
        }
    )


def _still(clip: Embedded, recipe: Metric) -> str | None:
    """Return why nothing can be told of a clip in which one side never changes."""
    for name, moments in (("face", clip.faces), ("voice", clip.voices)):
        if not changes(moments, recipe.spacing).any():
            return f"still: the {name} never changes"
    return None

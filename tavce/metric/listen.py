"""Ask a trained metric what it hears, on clips of speakers it has not seen.

Reads   best.pt of a metric, the indexes and the shards they name
Writes  run.json (its numbers, and `listening`: intervals, curves, the grid, cues, verdict, clips left out) and
        listening.png into its folder
"""

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tavce.config import parse_sections
from tavce.config.learning import Listening, Metric, Window
from tavce.dataset import Clips, Entry, index_digest, read_index
from tavce.files import input_file, sha256
from tavce.metric.cues import cues
from tavce.metric.embedding import Embedded, embed
from tavce.metric.figures import listening_figure
from tavce.metric.listening import Heard, frames_needed, listening
from tavce.metric.model import load_metric
from tavce.progress import progress
from tavce.records import InputError
from tavce.stages import STAGES
from tavce.training.tracking import Run

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--name", required=True, help="the recipe's name")
    parser.add_argument("--metric", type=input_file, required=True, help="best.pt of the metric")
    parser.add_argument(
        "--indexes", type=input_file, nargs="+", required=True, help="indexes of the datasets, .parquet"
    )
    parser.add_argument("--folder", required=True, help="where the results go")
    parser.add_argument("--threads", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Measure what one recipe of the metric hears."""
    torch.set_num_threads(arguments.threads)
    settings = parse_sections(arguments.settings)
    track = Run(
        Path(arguments.folder),
        "listen",
        arguments.name,
        json.loads(arguments.settings),
        index_digest(arguments.indexes),
        {"stage_version": STAGES["listen"].version, "metric": sha256(arguments.metric)},
    )
    track.restart(0)
    clips, recipe, found = hear(arguments.metric, arguments.indexes, settings["window"], settings["listening"])
    heard = listening(clips, recipe)
    verdict = judge(arguments.name, heard, settings["listening"])
    log.info("%s, on %d held-out clips: %s", arguments.name, len(clips), in_words(heard))
    if verdict["deaf"] and verdict["gate"] != "off":
        log.warning(verdict["words"])
    listening_figure(arguments.name, heard, track.folder / "listening.png")
    track.extra["tags"] = {"mlflow.note.content": verdict["words"]}
    track.extra["listening"] = {
        **found,
        "verdict": verdict,
        "intervals": heard.intervals,
        "auc_by_delay": heard.auc_by_delay,
        "similarity_by_lag": heard.similarity_by_lag,
        "grid": heard.grid,
        "cues": cues(clips, recipe),
    }
    track.write(
        track.folder / "run.json", {**heard.numbers, "deaf": int(verdict["deaf"])}, [track.folder / "listening.png"]
    )


def hear(
    model: str, indexes: Sequence[str], window: Window, settings: Listening
) -> tuple[list[Embedded], Metric, dict[str, Any]]:
    """Return the embedded clips, the metric's recipe, and which clips were asked: the test split, else that of val.

    Raises:
        InputError: no clip is long enough.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    metric, clips = load_metric(model).to(device), Clips(window)
    split, entries = held_out(indexes)
    shortest = frames_needed(metric.recipe)
    long_enough = [entry for entry in entries if entry.frames >= shortest]
    if not long_enough:
        raise InputError(
            f"no clip of the {split} split has {shortest} frames, which the listening check needs; the longest has "
            f"{max(entry.frames for entry in entries)}: raise trim.min_frames, or hold longer clips out"
        )
    chosen = spread(long_enough, settings.max_clips)
    embedded = [embed(metric.encoders, clips, entry, metric.recipe) for entry in progress(chosen, "listen")]
    return (
        embedded,
        metric.recipe,
        {
            "split": split,
            "clips": len(chosen),
            "speakers": len({entry.speaker for entry in chosen}),
            "too_short": {entry.clip_id: entry.frames for entry in entries if entry.frames < shortest},
        },
    )


def held_out(indexes: Sequence[str]) -> tuple[str, list[Entry]]:
    """Return the name and the clips of the split that is asked."""
    try:
        return "test", read_index(indexes, "test")
    except InputError:
        return "val", read_index(indexes, "val")


def spread(entries: Sequence[Entry], count: int) -> list[Entry]:
    """Return at most `count` entries at equal distances, so that as many speakers as can be are among them."""
    return [entries[number * len(entries) // count] for number in range(count)] if len(entries) > count else [*entries]


def judge(name: str, heard: Heard, settings: Listening) -> dict[str, Any]:
    """Return whether the metric is deaf, in words, too, and what its gate does with one that is."""
    found = heard.numbers["auc_audio"]
    deaf = found < settings.min_auc
    words = (
        f"the metric '{name}' does not listen: for the same faces it tells a moment's own sound from another moment's "
        f"with an AUC of {found:.2f} (0.5 is a guess, listening.min_auc is {settings.min_auc:g})"
        if deaf
        else f"the metric '{name}' listens: AUC {found:.2f} against other moments' sound"
    )
    return {"deaf": bool(deaf), "words": words, "gate": settings.gate_of(name), "min_auc": settings.min_auc}


def in_words(heard: Heard) -> str:
    """Return the numbers on one line."""
    return ", ".join(f"{name} {value:.3g}" for name, value in heard.numbers.items() if value is not None)

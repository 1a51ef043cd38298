"""Clips as shards store them at the paper's sizes, for the benches of what loaders read.

The crops show a photograph's face, which talks and turns, lit and grained anew in every clip: their JPEGs are as large
as those of real faces.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tavce import store
from tavce.config import paper
from tavce.data.crop import compress
from tavce.dataset import Entry
from tavce.demo.movement import move
from tavce.demo.speakers import head_of
from tests.packed import pack

STAGES = ("crop", "mel", "motion")
COEFFICIENTS = 70
CLIPS, SHARDS, FRAMES = 96, 8, 80
MEL_STEPS = 1 + FRAMES * 640 // 200
HEADS = 4
GRAIN, GAINS = 1.0, (0.8, 1.2)  # standard deviation of 255 levels, and how differently clips are lit


def write_clips(folder: Path) -> list[Entry]:
    """Write shards of crops, mels and motion; return what an index would say of their clips."""
    heads = [_talk(number) for number in range(HEADS)]
    paths: dict[str, list[str]] = {stage: [] for stage in STAGES}
    for shard in range(SHARDS):
        clips = range(shard, CLIPS, SHARDS)
        arrays = {
            "crop": (_crops(heads[clip % HEADS], clip) for clip in clips),
            "mel": map(_mel, clips),
            "motion": map(_motion, clips),
        }
        for stage, made in arrays.items():
            paths[stage].append(str(folder / stage / f"{shard:04}.h5"))
            said = {"size_px": paper().crop.size_px, "mouth_px": paper().crop.mouth_px} if stage == "crop" else {}
            with store.create(paths[stage][-1], store.Origin(stage, 1, "0" * 16)) as writer:
                for clip, stored in zip(clips, made, strict=True):
                    writer.put(f"clip{clip}", stored, **said)
    digests = {path: store.stored_digest(path) for stage in paths.values() for path in stage}
    return [
        _entry(clip, {stage: stored[clip % SHARDS] for stage, stored in paths.items()}, digests)
        for clip in range(CLIPS)
    ]


def _entry(clip: int, paths: dict[str, str], digests: dict[str, str]) -> Entry:
    return Entry(
        clip_id=f"clip{clip}", dataset="bench", split="train", speaker=f"s{clip}", source="", shard="", first_frame=0,
        frames=FRAMES, mel_steps=MEL_STEPS, trim="", **paths,
        **{f"{stage}_digest": digests[path] for stage, path in paths.items()},
    )  # fmt: skip


def _talk(number: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return a talking head's pictures uint8 [S, S, 3] and their landmarks float32 [68, 2]."""
    opening, spread = np.random.default_rng(number).uniform(0, 1, (2, FRAMES))
    return [head_of(number).frame(expression) for expression in move(opening, spread, number).expressions()]


def _crops(head: Sequence[tuple[np.ndarray, np.ndarray]], seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    gain = random.uniform(*GAINS)
    jpegs = []
    for picture, landmarks in head:
        grained = gain * picture + random.normal(0, GRAIN, picture.shape)
        jpegs.append(compress(np.clip(grained, 0, 255).astype(np.uint8), landmarks, paper().crop))
    pictures, mouths = zip(*jpegs, strict=True)
    landmarks = np.stack([landmarks for _, landmarks in head])
    return {**pack(pictures), **pack(mouths, store.MOUTHS), "landmarks": landmarks}


def _mel(seed: int) -> dict[str, np.ndarray]:
    return {"mel": np.random.default_rng(seed).uniform(-4, 4, (MEL_STEPS, 80)).astype(np.float32)}


def _motion(seed: int) -> dict[str, np.ndarray]:
    return {"motion": np.random.default_rng(seed).normal(size=(FRAMES, COEFFICIENTS)).astype(np.float32)}

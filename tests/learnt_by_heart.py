"""The renderer's real command on two speaking heads, and how well it has learnt their frames.

Shapes: T frames, S side of a picture.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from speaking_heads import Look, write_heads
from tiny_corpus import PAPER, tiny_settings
from tiny_runs import Workplace

from tavce.cli import main
from tavce.config import Settings
from tavce.dataset import Clips, Entry, read_index, to_unit
from tavce.generator.model import FaceRenderer, load_renderer
from tavce.generator.rendering import PortraitRenderer
from tavce.generator.samples import motion_window, still_window
from tavce.metric.model import Encoders
from tavce.training import checkpoint

SIDE, WINDOW, LONGEST_S = 64, 27, 2.0
TRAINING = {
    "accumulate": 1, "ema": None, "checkpoint_every": 1000, "log_every": 50, "validate_batches": 4, "workers": 0,
}  # fmt: skip
DEMO = yaml.safe_load(PAPER.with_name("demo.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Likeness:
    """Mean PSNR, dB, of all frames but the first: painted from the first, and of the first where it is held."""

    painted: float
    held: float


def learn_faces(folder: Path, **training: float) -> Likeness:
    """Train a renderer of the demo's sizes on two clips, by L1 alone, and compare what it paints with them."""
    ours = {
        "networks": DEMO["renderers"]["ours"]["networks"],
        "attention": "none",
        "weights": {"gan": 0, "feature_matching": 0, "l1": 20, "mouth_l1": 0, "correlation": 0},
        "mapping_rate": training["rate"],
        "training": {**TRAINING, **training},
    }
    settings = tiny_settings(renderers={"ours": ours}, synthesise={"image_px": SIDE})
    heads = write_heads(folder, Look(clips=2, longest_s=LONGEST_S, side_px=SIDE))
    place = Workplace(folder, heads, settings, _untrained_metric(folder, settings))
    run("renderer", place)
    (model, _), clips = load_renderer(place.best("renderer")), Clips(settings.window)
    told, held = [], []
    for entry in read_index([heads.index], "train"):
        true = to_unit(np.stack([clips.picture(entry, frame, SIDE) for frame in range(entry.frames)]))
        told.append(psnr(_painted(model, clips, entry), true[1:]))
        held.append(psnr(true[:1], true[1:]))
    return Likeness(float(np.mean(told)), float(np.mean(held)))


def run(stage: str, place: Workplace) -> None:
    """Run a stage's command in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        for name, value in place.environment.items():
            patch.setenv(name, value)
        assert main(place.command(stage)) == 0


def psnr(told: torch.Tensor, true: torch.Tensor) -> float:
    """Return the mean over pictures [T, 3, S, S] in [0, 1], dB."""
    return float(-10 * (told - true).square().mean(dim=(1, 2, 3)).log10().mean())


def _untrained_metric(folder: Path, settings: Settings) -> str:
    """Write a metric's best.pt, which is loaded and never asked; return its path."""
    recipe, path = settings.metrics["paper"], str(folder / "metric.pt")
    encoders = Encoders(recipe.networks, recipe.input_px).state_dict()
    said = json.loads(settings.sections("metric", "paper"))
    checkpoint.save(path, {"stage": "metric", "settings": json.dumps(said), "networks": {"encoders": encoders}})
    return path


def _painted(model: FaceRenderer, clips: Clips, entry: Entry) -> torch.Tensor:
    motion, source = clips.motion(entry), to_unit(clips.picture(entry, 0, SIDE))[None]
    windows = torch.stack([motion_window(motion, frame, WINDOW) for frame in range(1, entry.frames)])
    renderer = PortraitRenderer(model)
    return renderer.frames(renderer.look(source, still_window(motion[0], WINDOW)[None]), windows, None).clamp(0, 1)

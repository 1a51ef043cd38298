"""Facts about learning by heart, by the real commands: a few speaking heads of the demo, and what is told of them.

What would be there without learning, the frame or the expression that is held, is compared with as well.
"""

import logging

import numpy as np
import pytest
import torch
import yaml
from speaking_heads import Look, write_heads
from tiny_corpus import PAPER
from tiny_runs import Workplace, workplace

from tavce.cli import main
from tavce.dataset import Clips, Entry, read_index, to_unit
from tavce.generator.coefficients import load_audio2exp
from tavce.generator.losses import eye_opening
from tavce.generator.model import FaceRenderer, load_renderer
from tavce.generator.samples import POSE, mel_windows, motion_window, still_window
from tavce.metric.model import load_metric

log = logging.getLogger(__name__)
pytestmark = pytest.mark.slow
DEMO = yaml.safe_load(PAPER.with_name("demo.yaml").read_text(encoding="utf-8"))
SIDE, WINDOW = 64, 27
TRAINING = {"checkpoint_every": 1000, "log_every": 50, "validate_batches": 4, "workers": 0}
RENDERER = {
    "networks": DEMO["renderers"]["ours"]["networks"],
    "weights": {"gan": 0, "feature_matching": 0, "l1": 20, "mouth_l1": 0},
    "mapping_rate": 1.2e-3,
    "training": {**TRAINING, "batch": 2, "epochs": 6, "repeats": 70, "rate": 1.2e-3, "decay_every": 1, "decay": 0.6},
}
AUDIO2EXP = {
    "audio_channels": [8, 8, 16, 32, 64],
    "training": {**TRAINING, "batch": 8, "epochs": 6, "repeats": 150, "rate": 3e-3, "decay_every": 1, "decay": 0.6},
}


def run(stage: str, place: Workplace, patch: pytest.MonkeyPatch) -> list[Entry]:
    """Run a stage's command in a folder of its own; return the clips it learnt."""
    patch.chdir(place.folder)
    for name, value in place.environment.items():
        patch.setenv(name, value)
    assert main(place.command(stage)) == 0
    return read_index([place.tiny.index], "train")


def explained(true: list[np.ndarray], told: list[np.ndarray]) -> float:
    """Return which share of the variance within clips [T, E], over all coefficients, is explained."""
    lost = sum(np.square(one - other).sum() for one, other in zip(true, told, strict=True))
    return 1 - lost / sum(np.square(one - one.mean(axis=0)).sum() for one in true)


def psnr(told: torch.Tensor, true: torch.Tensor) -> float:
    """Return the mean over pictures [T, 3, S, S] in [0, 1], dB."""
    return float(-10 * (told - true).square().mean(dim=(1, 2, 3)).log10().mean())


def painted(model: FaceRenderer, clips: Clips, entry: Entry, attention: torch.Tensor) -> torch.Tensor:
    """Return all frames of a clip but the first, painted from the first."""
    motion, source = clips.motion(entry), to_unit(clips.picture(entry, 0, SIDE))[None]
    windows = torch.stack([motion_window(motion, frame, WINDOW) for frame in range(1, entry.frames)])
    return model.frames(model.portrait(source, still_window(motion[0], WINDOW)[None]), windows, attention).clamp(0, 1)


def test_the_renderer_learns_two_clips_by_heart(tmp_path, mlflow_template, trained, monkeypatch):
    heads = write_heads(tmp_path, Look(clips=2, longest_s=1.6, side_px=SIDE))
    changes = {"renderers": {"ours": RENDERER}, "synthesise": {"image_px": SIDE}}
    place = workplace(tmp_path / "run", heads, mlflow_template, trained.best("metric"), **changes)
    entries, metric = run("renderer", place, monkeypatch), load_metric(place.metric)
    (model, _), clips = load_renderer(place.best("renderer")), Clips(place.settings.window)
    told, held = [], []
    for entry in entries:
        true = to_unit(np.stack([clips.picture(entry, frame, SIDE) for frame in range(entry.frames)]))
        frames = [(max(0, frame - metric.recipe.spacing), frame) for frame in range(1, entry.frames)]
        mels = torch.stack([mel_windows(clips, entry, pair) for pair in frames])
        told.append(psnr(painted(model, clips, entry, metric.attention(mels)), true[1:]))
        held.append(psnr(true[:1].expand_as(true[1:]), true[1:]))
    log.info("PSNR %s dB, of the source frame held %s dB", told, held)
    assert len(entries) == 2
    assert np.mean(told) >= 28
    assert np.mean(told) >= np.mean(held) + 3


def test_audio2exp_learns_four_clips_by_heart(tmp_path, mlflow_template, monkeypatch):
    heads = write_heads(tmp_path, Look(clips=4, longest_s=1.6))
    place = workplace(tmp_path / "run", heads, mlflow_template, audio2exp=AUDIO2EXP)
    entries = run("audio2exp", place, monkeypatch)
    network, clips = load_audio2exp(place.best("audio2exp")), Clips(place.settings.window)
    true, told, held = [], [], []
    for entry in entries:
        expression = torch.from_numpy(clips.motion(entry))[:, :-POSE]
        reference = expression[:1].expand(len(expression), -1)
        blink = eye_opening(torch.from_numpy(clips.landmarks(entry)))[None, :, None]
        mels = mel_windows(clips, entry, range(entry.frames))[None]
        with torch.no_grad():
            predicted = network(mels, reference[None], blink)[0]
        for rows, found in ((true, expression), (told, predicted), (held, reference)):
            rows.append(found[1:].numpy())
    log.info("R² %.3f, of the reference held %.3f", explained(true, told), explained(true, held))
    assert len(entries) == 4
    assert explained(true, told) >= 0.9
    assert explained(true, held) < 0

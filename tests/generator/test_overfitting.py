"""Facts about learning by heart, by the real commands: a few speaking heads of the demo, and what is told of them.

What would be there without learning, the frame or the expression that is held, is compared with as well.
"""

import logging
import shutil
from itertools import count

import numpy as np
import pytest
import torch
from learnt_by_heart import TRAINING, learn_faces, run
from speaking_heads import Look, write_heads
from tiny_runs import workplace

from tavce.dataset import Clips, read_index
from tavce.generator.audio2pose import style_classes
from tavce.generator.coefficients import load_audio2exp, load_audio2pose
from tavce.generator.losses import eye_opening
from tavce.generator.samples import POSE, mel_windows

log = logging.getLogger(__name__)
pytestmark = pytest.mark.slow
FACES = {"batch": 2, "epochs": 2, "repeats": 100, "rate": 1e-3, "decay_every": 1, "decay": 0.3}
AUDIO2EXP = {
    "audio_channels": [8, 8, 16, 32, 64],
    "training": {**TRAINING, "batch": 8, "epochs": 6, "repeats": 150, "rate": 3e-3, "decay_every": 1, "decay": 0.6},
}

AUDIO2POSE = {
    "frames": 32, "latent": 64, "styles": 8, "hidden": 128, "unet_channels": [8, 16, 32],
    "discriminator_channels": [8, 16, 32], "gan_weight": 0.02, "kl_weight": 0.2,
    "training": {**TRAINING, "batch": 8, "epochs": 2, "repeats": 60, "rate": 3e-3, "decay_every": 1, "decay": 0.3},
}  # fmt: skip


def explained(true: list[np.ndarray], told: list[np.ndarray]) -> float:
    """Return which share of the variance within clips [T, E], over all coefficients, is explained."""
    lost = sum(np.square(one - other).sum() for one, other in zip(true, told, strict=True))
    return 1 - lost / sum(np.square(one - one.mean(axis=0)).sum() for one in true)


def test_the_renderer_paints_two_clips_better_than_the_source_frame_that_is_held(tmp_path, mlflow_template):
    shutil.copyfile(mlflow_template, tmp_path / "mlflow.db")
    likeness = learn_faces(tmp_path, **FACES)  # `make bench`, overfit: five times as long
    log.info("%s", likeness)
    assert likeness.painted >= likeness.held + 1.5


def test_audio2exp_learns_four_clips_by_heart(tmp_path, mlflow_template):
    heads = write_heads(tmp_path, Look(clips=4, longest_s=1.6))
    place = workplace(tmp_path / "run", heads, mlflow_template, audio2exp=AUDIO2EXP)
    run("audio2exp", place)
    entries = read_index([heads.index], "train")
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


def test_drawn_movement_differs_by_seed_and_is_about_as_large_and_fast_as_in_the_training_clips(
    tmp_path, mlflow_template
):
    heads = write_heads(tmp_path, Look(clips=6, longest_s=4))
    place = workplace(tmp_path / "run", heads, mlflow_template, audio2pose=AUDIO2POSE)
    run("audio2pose", place)
    model, clips, frames = load_audio2pose(place.best("audio2pose")), Clips(place.settings.window), 32
    entries = read_index([heads.index], "train")
    styles, seeds = style_classes(entries, 8), count()
    true, drawn, again = [], [], []
    for entry in entries:
        pose, mels = torch.from_numpy(clips.motion(entry))[:, -POSE:], mel_windows(clips, entry, range(entry.frames))
        for start in range(0, entry.frames - frames + 1, 8):
            asked = (mels[start : start + frames], pose[start], styles[entry.speaker])
            one, other = next(seeds), next(seeds)
            true.append(pose[start : start + frames] - pose[start])
            drawn.append(model.sequence(*asked, one) - pose[start])
            again.append(model.sequence(*asked, other) - pose[start])
            assert torch.equal(model.sequence(*asked, one) - pose[start], drawn[-1])
    spread, speed, differs = _compared(true, drawn, again)
    log.info("spread %s, speed %s, between codes %s", spread, speed, differs)
    assert spread.min() > 1 / 2
    assert spread.max() < 2
    assert speed.min() > 1 / 2.5
    assert speed.max() < 2.5
    assert differs.min() > 0.15


def _compared(*windows: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return by coefficient [6], relative to true windows [T, 6]: the spread and the speed of drawn ones, and how far
    two drawn ones are apart."""
    true, drawn, again = map(torch.stack, windows)
    spread = [moved[:, 1:].flatten(0, 1).std(dim=0) for moved in (true, drawn, drawn - again)]
    speeds = [moved.diff(dim=1).abs().mean(dim=(0, 1)) for moved in (true, drawn)]
    return [spread[1] / spread[0], speeds[1] / speeds[0], spread[2] / spread[0]]

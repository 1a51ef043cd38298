"""Train audio2pose: from sound, a first pose and a style to head movement that differs with every seed.

Reads   the indexes and the shards they name
Writes  best.pt, run.json and history.jsonl into its folder
Source  paper.md, stage 2; the log-variance has a layer of its own (the release reuses the mean's)
"""

import argparse
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tavce.config import parse_sections
from tavce.config.generator import Audio2Pose
from tavce.dataset import Clips, Entry, index_digest, read_index
from tavce.generator.coefficients import PoseModel
from tavce.generator.losses import hinge_discriminator_loss, hinge_generator_loss, kl_loss
from tavce.generator.samples import POSE, PoseDraws
from tavce.metric.losses import weighted_sum
from tavce.networks.audio2pose import PoseDiscriminator, PoseDiscriminatorSizes
from tavce.published.files import digests, identity
from tavce.published.starts import start_audio2pose
from tavce.training.job import Losses
from tavce.training.loop import fabric
from tavce.training.ranks import first_does
from tavce.training.stage import Task, train, training_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    training_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train audio2pose."""
    torch.set_num_threads(arguments.threads)
    sections = parse_sections(arguments.settings)
    settings: Audio2Pose = sections["audio2pose"]
    clips, training = Clips(sections["window"]), settings.training
    entries = read_index(arguments.indexes, "train")
    styles = style_classes(entries, settings.styles)
    held_out = read_index(arguments.indexes, "val")
    draws = (
        PoseDraws(entries, clips, styles, settings.frames, training.seed),
        PoseDraws(held_out, clips, styles, settings.frames, training.seed + 1),
    )
    learner = PoseLearner(settings, movement_scale(clips, entries, settings.frames))
    data = index_digest(arguments.indexes) + identity(settings.start_weights)
    extra = {"styles": styles, "weights": digests(settings.start_weights)}
    task = Task("audio2pose", training, data, extra=extra)
    track, numbers = train(task, arguments, learner, fabric(training), draws)
    first_does(lambda: track.finish(numbers, [track.folder / "best.pt"]))


def style_classes(entries: Sequence[Entry], styles: int) -> dict[str, int]:
    """Return the style class of every training speaker: in order of name, shared round-robin where classes run out."""
    speakers = sorted({entry.speaker for entry in entries})
    return {speaker: number % styles for number, speaker in enumerate(speakers)}


def movement_scale(clips: Clips, entries: Sequence[Entry], frames: int) -> np.ndarray:
    """Return the standard deviation float32 [6] of the pose relative to a window's first frame."""
    moves = []
    for entry in entries[:500]:
        pose = clips.motion(entry)[:, -POSE:]
        moves += [pose[start : start + frames] - pose[start] for start in range(0, len(pose) - frames + 1, frames)]
    return np.maximum(np.concatenate(moves).std(axis=0), 1e-6).astype(np.float32)


def divergence(mean: Tensor, log_variance: Tensor, movement: Tensor) -> Tensor:
    """Return the KL divergence of codes [B, L] from N(0, 1) a number of their movement [B, F, 6]; 0 where they agree.

    The regression is a mean over those numbers, so weights of 1 and 1 are those of the evidence bound with a variance
    of one half (in training units). A divergence a sample would outweigh it by F · 6 and leave codes without meaning.
    """
    return kl_loss(mean, log_variance) / movement[0].numel()


class PoseLearner:
    """Learns the CVAE against a discriminator of sequences."""

    criterion = "evidence"
    averaged = ("pose",)

    def __init__(self, settings: Audio2Pose, scale: np.ndarray):
        torch.manual_seed(settings.training.seed)
        self._settings = settings
        self._spread = torch.from_numpy(scale)
        judge = PoseDiscriminator(PoseDiscriminatorSizes(POSE, settings.discriminator_channels))
        self.networks: dict[str, nn.Module] = {"pose": PoseModel(settings, scale), "discriminator": judge}
        start_audio2pose(self.networks, settings)
        self.optimisers = {
            name: torch.optim.Adam(network.parameters(), lr=settings.training.rate)
            for name, network in self.networks.items()
        }

    def losses(self, batch: dict[str, Tensor]) -> Losses:
        """Return what one batch of windows teaches the discriminator and the CVAE."""
        judge = self.networks["discriminator"]
        real, painted, mean, log_variance = self.networks["pose"](batch["mels"], batch["pose"], batch["style"])
        scores = judge(painted)
        judged = hinge_discriminator_loss([judge(real)], [scores])
        terms = {
            "regression": functional.mse_loss(painted, real),
            "gan": hinge_generator_loss([scores]),
            "kl": divergence(mean, log_variance, real),
        }
        settings = self._settings
        weights = (settings.regression_weight, settings.gan_weight, settings.kl_weight)
        loss = weighted_sum([*zip(weights, terms.values(), strict=True)])
        return Losses({"discriminator": judged, "pose": loss}, {"loss": loss, "discriminator": judged, **terms})

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return regression, KL and their weighted sum, and the spread of rebuilt movement over that of the true.

        Movement is drawn, too, and the model's gain set by it: `drawn_spread` is what there is without the gain.
        """
        sums, spreads, drawn = [], [], []
        settings, network = self._settings, self.networks["pose"]
        for batch in batches:
            real, painted, mean, log_variance = network(batch["mels"], batch["pose"], batch["style"])
            sums.append(torch.stack([functional.mse_loss(painted, real), divergence(mean, log_variance, real)]))
            spreads.append(painted.std() / real.std())
            code = torch.randn_like(mean)
            heard = network.module.hear(batch["mels"])
            drawn.append(network.module.draw(batch["pose"][:, 0], heard, batch["style"], code))
        regression, kl = torch.stack(sums).mean(dim=0).tolist()
        evidence = settings.regression_weight * regression + settings.kl_weight * kl
        spread = float(torch.stack(spreads).mean())
        found = network.module.calibrate(torch.cat(drawn).float(), self._spread.to(mean.device))
        numbers = {"regression": regression, "kl": kl, "spread": spread, "drawn_spread": float(found.mean())}
        return {"evidence": evidence, **numbers}

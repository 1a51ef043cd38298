"""Train audio2pose: from sound, a first pose and a style to head movement that differs with every seed.

Reads   the indexes and the shards they name
Writes  best.pt, run.json and history.jsonl into its folder
Source  paper.md, stage 2; the log-variance has a layer of its own (the release reuses the mean's)
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional

from tavce.config import parse_sections
from tavce.config.learning import Audio2Pose
from tavce.dataset import Clips, Entry, index_digest, read_index
from tavce.generator.losses import hinge_discriminator_loss, hinge_generator_loss, kl_loss
from tavce.generator.samples import POSE, PoseDraws
from tavce.metric.losses import weighted_sum
from tavce.networks.audio2pose import PoseCvae, PoseCvaeSizes, PoseDiscriminator, PoseDiscriminatorSizes
from tavce.networks.encoders import AudioEncoder, AudioEncoderSizes
from tavce.training import checkpoint
from tavce.training.loop import fabric
from tavce.training.stage import Task, descend, detached, train, training_arguments


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
    task = Task("audio2pose", training, index_digest(arguments.indexes), extra={"styles": styles})
    track, numbers = train(task, arguments, learner, fabric(training), draws)
    track.finish(numbers, [track.folder / "best.pt"])


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


class PoseModel(nn.Module):
    """The CVAE with its audio encoder, in units of the training set's movements.

    Shapes: B samples, F frames, W mel steps, L latent entries.
    """

    def __init__(self, settings: Audio2Pose, scale: np.ndarray):
        super().__init__()
        encoder = AudioEncoderSizes(settings.audio_channels)
        self.audio = AudioEncoder(encoder)
        self.cvae = PoseCvae(
            PoseCvaeSizes(
                frames=settings.frames,
                pose=POSE,
                audio_features=encoder.channels[-1],
                audio_embedding=settings.audio_embedding,
                latent=settings.latent,
                styles=settings.styles,
                hidden=settings.hidden,
                unet_channels=settings.unet_channels,
            )
        )
        self.register_buffer("scale", torch.from_numpy(scale))

    def forward(self, mels: Tensor, pose: Tensor, style: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return true and rebuilt movement [B, F, 6] in training units, and the code's mean and log-variance [B, L]."""
        movement = (pose - pose[:, :1]) / self.scale
        rebuilt = self.cvae(movement, pose[:, 0], self._hear(mels), style)
        return movement, rebuilt.motion, rebuilt.mean, rebuilt.log_variance

    def _hear(self, mels: Tensor) -> Tensor:
        return self.audio(mels.flatten(0, 1)).unflatten(0, mels.shape[:2])

    @torch.no_grad()
    def sequence(self, mels: Tensor, first: Tensor, style: int, code: Tensor) -> Tensor:
        """Return the pose [T, 6] of every frame, starting from `first` [6].

        Every window of the network starts at the last pose of the one before, and all share one `code` [L], so that
        nothing jumps between windows (the release starts each anew).

        Args:
            mels: [T, 1, 80, W] windows of all frames.
            first: the portrait's own pose.
            style: style class.
            code: drawn by the caller from a standard normal.
        """
        frames, heard = self.cvae.sizes.frames, self.audio(mels)
        poses = first[None]
        styles = torch.tensor([style], device=mels.device)
        while len(poses) < len(heard):
            start = len(poses) - 1
            window = heard[torch.arange(start, start + frames).clamp(max=len(heard) - 1)]
            movement = self.cvae.sample(poses[-1:], window[None], styles, code[None])[0] * self.scale
            poses = torch.cat([poses, poses[-1:] + movement[1:] - movement[:1]])
        return poses[: len(heard)]


def load_audio2pose(path: str | Path) -> PoseModel:
    """Return the model of a `best.pt`, in evaluation mode.

    Raises:
        InputError: the checkpoint cannot be read.
    """
    state = checkpoint.load(path)
    settings = Audio2Pose.model_validate_json(checkpoint.section(state, "audio2pose"))
    model = PoseModel(settings, np.ones(POSE, np.float32))
    model.load_state_dict(state["networks"]["pose"])
    return model.eval()


class PoseLearner:
    """Learns the CVAE against a discriminator of sequences."""

    criterion = "evidence"

    def __init__(self, settings: Audio2Pose, scale: np.ndarray):
        torch.manual_seed(settings.training.seed)
        self._settings = settings
        judge = PoseDiscriminator(PoseDiscriminatorSizes(POSE, settings.discriminator_channels))
        self.networks: dict[str, nn.Module] = {"pose": PoseModel(settings, scale), "discriminator": judge}
        self.optimisers = {
            name: torch.optim.Adam(network.parameters(), lr=settings.training.rate)
            for name, network in self.networks.items()
        }

    def step(self, fabric: Fabric, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Learn from one batch of windows: first the discriminator, then the CVAE."""
        judge = self.networks["discriminator"]
        real, painted, mean, log_variance = self.networks["pose"](batch["mels"], batch["pose"], batch["style"])
        judged = hinge_discriminator_loss([judge(real)], [judge(painted.detach())])
        descend(fabric, self.optimisers["discriminator"], judged)
        terms = {
            "regression": functional.mse_loss(painted, real),
            "gan": hinge_generator_loss([judge(painted)]),
            "kl": kl_loss(mean, log_variance),
        }
        settings = self._settings
        weights = (settings.regression_weight, settings.gan_weight, settings.kl_weight)
        loss = weighted_sum([*zip(weights, terms.values(), strict=True)])
        descend(fabric, self.optimisers["pose"], loss)
        return detached({"loss": loss, "discriminator": judged, **terms})

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return regression, KL and their weighted sum, and the spread of rebuilt movement over that of the true."""
        sums, spreads = [], []
        settings = self._settings
        for batch in batches:
            real, painted, mean, log_variance = self.networks["pose"](batch["mels"], batch["pose"], batch["style"])
            sums.append(torch.stack([functional.mse_loss(painted, real), kl_loss(mean, log_variance)]))
            spreads.append(painted.std() / real.std())
        regression, kl = torch.stack(sums).mean(dim=0).tolist()
        evidence = settings.regression_weight * regression + settings.kl_weight * kl
        spread = float(torch.stack(spreads).mean())
        return {"evidence": evidence, "regression": regression, "kl": kl, "spread": spread}

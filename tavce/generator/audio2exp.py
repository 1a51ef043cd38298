"""Train audio2exp: from sound, a reference expression and a blink ratio to expression coefficients.

Reads   the indexes, the shards they name, and the expression basis
Writes  best.pt, run.json and history.jsonl into its folder
Source  paper.md, stage 2 (the lip-reading loss needs published weights and is not built in yet)
"""

import argparse
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from tavce.config import parse_sections
from tavce.config.generator import Audio2Exp as Audio2ExpSettings
from tavce.dataset import Clips, index_digest, read_index
from tavce.faces.basis import ExpressionBasis
from tavce.faces.points import LOWER_INNER_LIP, UPPER_INNER_LIP
from tavce.files import input_file, sha256
from tavce.generator.coefficients import build_audio2exp
from tavce.generator.losses import eye_opening
from tavce.generator.samples import ExpressionDraws
from tavce.metric.losses import weighted_sum
from tavce.published.files import digests, identity
from tavce.published.starts import start_audio2exp
from tavce.training.job import Losses
from tavce.training.loop import fabric
from tavce.training.ranks import first_does
from tavce.training.stage import Task, mean_terms, train, training_arguments

PX_PER_EYE_DISTANCE = 64  # the landmark loss is in px of a 256 px crop, in which the eyes are a quarter apart


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    training_arguments(parser)
    parser.add_argument("--basis", type=input_file, required=True, help="the expression basis, .npz")


def run(arguments: argparse.Namespace) -> None:
    """Train audio2exp."""
    torch.set_num_threads(arguments.threads)
    sections = parse_sections(arguments.settings)
    settings: Audio2ExpSettings = sections["audio2exp"]
    clips, training = Clips(sections["window"]), settings.training
    draws = tuple(
        ExpressionDraws(read_index(arguments.indexes, split), clips, settings.frames, training.seed + number)
        for number, split in enumerate(("train", "val"))
    )
    learner = ExpressionLearner(settings, ExpressionBasis.load(arguments.basis))
    data = f"{index_digest(arguments.indexes)}-{sha256(arguments.basis)[:16]}{identity(settings.start_weights)}"
    task = Task("audio2exp", training, data, extra={"weights": digests(settings.start_weights)})
    track, numbers = train(task, arguments, learner, fabric(training), draws)
    first_does(lambda: track.finish(numbers, [track.folder / "best.pt"]))


class FrontalFace(nn.Module):
    """The linear map from expression coefficients [..., E] to pose-free landmarks [..., 68, 2]."""

    def __init__(self, basis: ExpressionBasis):
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(basis.mean))
        self.register_buffer("rows", torch.from_numpy(basis.components) * basis.scale)

    def forward(self, expression: Tensor) -> Tensor:
        """Return the landmarks, in units of the distance between the eyes."""
        return (expression @ self.rows + self.mean).unflatten(-1, (68, 2))


class ExpressionLearner:
    """Learns audio2exp."""

    criterion = "coefficients"
    averaged = ("audio2exp",)

    def __init__(self, settings: Audio2ExpSettings, basis: ExpressionBasis):
        torch.manual_seed(settings.training.seed)
        self._settings = settings
        self._face = FrontalFace(basis)
        self.networks: dict[str, nn.Module] = {"audio2exp": build_audio2exp(settings, len(basis.components))}
        start_audio2exp(self.networks["audio2exp"], settings)
        parameters = self.networks["audio2exp"].parameters()
        self.optimisers = {"all": torch.optim.Adam(parameters, lr=settings.training.rate)}

    def losses(self, batch: dict[str, Tensor]) -> Losses:
        """Return what one batch of windows teaches."""
        terms, _ = self._terms(batch)
        return Losses({"all": terms["loss"]}, terms)

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return mean losses, and how the predicted mouth opening follows the true one (Pearson r)."""
        results = [self._terms(batch) for batch in batches]
        numbers = mean_terms([terms for terms, _ in results])
        predicted, true = (torch.cat([pair[k].flatten() for _, pair in results]) for k in (0, 1))
        return {**numbers, "opening_r": float(torch.corrcoef(torch.stack([predicted, true]))[0, 1])}

    def _terms(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        settings = self._settings
        face = self._face.to(batch["expression"].device)
        predicted = self.networks["audio2exp"](batch["mels"], batch["reference"], batch["blink"]).float()
        points, truth = face(predicted), face(batch["expression"])
        terms = {
            "coefficients": functional.mse_loss(predicted, batch["expression"]),
            "landmarks": (points - truth).norm(dim=-1).mean() * PX_PER_EYE_DISTANCE,
            "blink": functional.l1_loss(eye_opening(points).unsqueeze(-1), batch["blink"]),
        }
        weights = (settings.coefficient_weight, settings.landmark_weight, settings.blink_weight)
        loss = weighted_sum([*zip(weights, terms.values(), strict=True)])
        return {"loss": loss, **terms}, (_opening(points.detach()), _opening(truth))


def _opening(points: Tensor) -> Tensor:
    return (points[..., list(LOWER_INNER_LIP), :] - points[..., list(UPPER_INNER_LIP), :]).norm(dim=-1).mean(dim=-1)

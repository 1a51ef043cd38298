"""Train the correlation metric.

Reads   the indexes and the shards they name
Writes  best.pt, run.json, history.jsonl, similarities.png (how alike pairs and their negatives are) and, with L_rec,
        rebuilt.png (rows of a frame, what follows it, what is rebuilt of that; and the other way round) into its folder
Source  paper.md, stage 1. What the trained metric hears, `listen` asks.
"""

import argparse
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from tavce.config import parse_sections
from tavce.config.learning import Metric
from tavce.dataset import Clips, Entry, index_digest, read_index
from tavce.loading import DrawRange
from tavce.metric import published
from tavce.metric.auc import auc
from tavce.metric.correlation import channel_attention, similarity
from tavce.metric.distance import load_distance
from tavce.metric.figures import rebuilt_picture, similarity_histogram
from tavce.metric.losses import pair_loss, weighted_sum
from tavce.metric.model import Encoders
from tavce.metric.pairs import PairDraws
from tavce.networks.reconstruction import ReconstructionGenerator, ReconstructionSizes
from tavce.published.files import digests, identity
from tavce.training import checkpoint
from tavce.training.job import Losses
from tavce.training.loop import fabric
from tavce.training.ranks import first_does
from tavce.training.stage import Task, mean_terms, train, training_arguments

log = logging.getLogger(__name__)
REBUILT = 6  # rows of rebuilt.png


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--name", required=True, help="the recipe's name")
    training_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train one recipe of the metric."""
    torch.set_num_threads(arguments.threads)
    settings = parse_sections(arguments.settings)
    recipe: Metric = settings["metric"]
    clips = Clips(settings["window"])
    draws = PairDraws(read_index(arguments.indexes, "train"), clips, recipe, recipe.training.seed)
    held_out = read_index(arguments.indexes, "val")
    validation = PairDraws(held_out, clips, asked(recipe, held_out), recipe.training.seed + 1)
    data = index_digest(arguments.indexes) + identity(recipe.start_weights)
    task = Task("metric", recipe.training, data, arguments.name, {"weights": digests(recipe.weights)})
    engine = fabric(recipe.training)
    learner = MetricLearner(recipe, engine)
    track, numbers = train(task, arguments, learner, engine, (draws, validation))

    def finish() -> None:
        best = track.folder / "best.pt"
        track.finish(numbers, [best, *draw(learner, engine, validation, best)])

    first_does(finish)


def asked(recipe: Metric, held_out: Sequence[Entry]) -> Metric:
    """Return the recipe that validation pairs are drawn by: they always come with another voice.

    It is another moment's voice where the recipe wants another speaker's and there is one speaker.
    """
    negatives = {"time": "both"}.get(recipe.negatives, recipe.negatives)
    if negatives == "speaker" and len({entry.speaker for entry in held_out}) < 2:
        log.warning("one speaker validates: negatives are other moments' voices there, not other speakers'")
        negatives = "audio"
    return recipe.model_copy(update={"negatives": negatives})


class MetricLearner:
    """Learns both encoders, and the generators of L_rec where its weight is not zero."""

    criterion = "loss"

    def __init__(self, recipe: Metric, engine: Fabric):
        torch.manual_seed(recipe.training.seed)
        self.recipe = recipe
        self.networks: dict[str, torch.nn.Module] = {"encoders": Encoders(recipe.networks, recipe.input_px)}
        if recipe.reconstruction_weight:
            sizes = ReconstructionSizes(
                **recipe.networks.reconstruction.model_dump(), attention_features=recipe.networks.features
            )
            self.networks |= {"next": ReconstructionGenerator(sizes), "previous": ReconstructionGenerator(sizes)}
            self._distance = engine.to_device(load_distance(recipe.perceptual))
        published.start(self.networks, recipe)
        self.averaged = tuple(self.networks)
        weights = [weight for network in self.networks.values() for weight in network.parameters()]
        self.optimisers = {"all": torch.optim.Adam(weights, lr=recipe.training.rate)}

    def losses(self, batch: dict[str, Tensor]) -> Losses:
        """Return what one batch of pairs teaches."""
        terms, _ = self.terms(batch)
        return Losses({"all": terms["loss"]}, terms)

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return mean losses, and the AUC of pairs against far frames and against another voice."""
        results = [self.terms(batch) for batch in batches]
        alike = {kind: torch.cat([found[kind] for _, found in results]).cpu().numpy() for kind in results[0][1]}
        against = {"auc_time": auc(alike["pair"], alike["far"]), "auc_audio": auc(alike["pair"], alike["other_voice"])}
        return {**mean_terms([terms for terms, _ in results]), **against}

    def terms(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the losses of a batch, and the similarities [B] of its pairs and of what does not belong together."""
        recipe = self.recipe
        voices, faces = self.networks["encoders"](batch["mels"], batch["faces"])
        voice, face = voices[:, 1] - voices[:, 0], faces[:, 1] - faces[:, 0]
        alike = {"pair": (voice, face), "far": (voice, faces[:, 2] - faces[:, 0])}
        if voices.shape[1] > 2:
            alike["other_voice"] = (voices[:, 3] - voices[:, 2], face)
        alike = {kind: similarity(*pair, recipe.signed) for kind, pair in alike.items()}
        negative = self._negative(alike, batch["far"])
        loss = pair_loss(alike["pair"], negative, recipe.margin)
        terms = {"positive": loss.positive, "negative": loss.negative}
        weighted = [(1.0, loss.positive), (recipe.negative_weight, loss.negative)]
        if recipe.reconstruction_weight:
            terms["reconstruction"] = self._reconstruction(channel_attention(voice), batch["faces"])
            weighted.append((recipe.reconstruction_weight, terms["reconstruction"]))
        said = {"similarity": alike["pair"].mean(), "similarity_negative": negative.mean()}
        still = (batch["faces"][:, 0] == batch["faces"][:, 1]).flatten(1).all(dim=1).float().mean()
        found = {kind: value.detach() for kind, value in alike.items()}
        return {"loss": weighted_sum(weighted), **terms, **said, "still": still}, found

    def _negative(self, alike: dict[str, Tensor], far: Tensor) -> Tensor:
        """Return the similarities [B] that are to fall: by the recipe's negatives, or by what was drawn for `both`."""
        if self.recipe.negatives == "time":
            return alike["far"]
        return torch.where(far, alike["far"], alike["other_voice"])

    def _reconstruction(self, attention: Tensor, faces: Tensor) -> Tensor:
        """Return L_rec: the later frame from the earlier one and the voice's change, and the other way round."""
        rebuilt = self.rebuilt(attention, faces)
        return sum(self._distance((painted + 1) / 2, (real + 1) / 2) for painted, real in rebuilt)

    def rebuilt(self, attention: Tensor, faces: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return (rebuilt, real) of the later and of the earlier frames [B, 3, S, S], in [−1, 1]."""
        now, later = faces[:, 0], faces[:, 1]
        return (self.networks["next"](now, attention), later), (self.networks["previous"](later, attention), now)

    def load(self, state: dict) -> None:
        """Take the networks of a checkpoint, in evaluation mode."""
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
            network.eval()


@torch.no_grad()
def draw(learner: MetricLearner, engine: Fabric, validation: PairDraws, best: Path) -> list[Path]:
    """Write the pictures of the best metric on validation pairs into its folder; return their paths."""
    learner.load(checkpoint.load(best))
    training = learner.recipe.training
    loader = torch.utils.data.DataLoader(
        validation, batch_sampler=DrawRange(0, training.validate_batches, training.batch)
    )
    batches = [*engine.setup_dataloaders(loader, use_distributed_sampler=False)]
    found = [learner.terms(batch)[1] for batch in batches]
    values = {kind: torch.cat([alike[kind] for alike in found]).cpu().numpy() for kind in found[0]}
    pictures = [best.with_name("similarities.png")]
    similarity_histogram(values, pictures[0])
    if "next" in learner.networks:
        faces, mels = batches[0]["faces"][:REBUILT], batches[0]["mels"][:REBUILT]
        voices, _ = learner.networks["encoders"](mels, faces)
        (next_one, later), (previous, now) = learner.rebuilt(channel_attention(voices[:, 1] - voices[:, 0]), faces)
        pictures.append(best.with_name("rebuilt.png"))
        rebuilt_picture([now, later, next_one, previous], pictures[1])
    return pictures

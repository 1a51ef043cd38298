"""Train the correlation metric, then measure what it listens to on speakers it has not seen.

Reads   the indexes and the shards they name
Writes  best.pt, run.json (with the listening check) and history.jsonl into its folder
Source  paper.md, stage 1
"""

import argparse
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from tavce.config import parse_sections
from tavce.config.learning import Metric, Window
from tavce.dataset import Clips, index_digest, read_index
from tavce.metric import published
from tavce.metric.correlation import channel_attention, similarity
from tavce.metric.distance import load_distance
from tavce.metric.listening import auc, embed, listening
from tavce.metric.losses import pair_loss, weighted_sum
from tavce.metric.model import Encoders, load_metric
from tavce.metric.pairs import PairDraws
from tavce.networks.reconstruction import ReconstructionGenerator, ReconstructionSizes
from tavce.records import InputError
from tavce.training.loop import fabric
from tavce.training.ranks import first_does
from tavce.training.stage import Task, descend, detached, mean_terms, train, training_arguments

log = logging.getLogger(__name__)
LISTENING_CLIPS = 200  # held-out clips the check looks at, at most
GUESS = 0.55  # an AUC below this is called a guess


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
    draws = tuple(
        PairDraws(read_index(arguments.indexes, split), clips, recipe, recipe.training.seed + number)
        for number, split in enumerate(("train", "val"))
    )
    data = index_digest(arguments.indexes) + published.identity(recipe)
    task = Task("metric", recipe.training, data, arguments.name, {"weights": published.digests(recipe.weights)})
    engine = fabric(recipe.training)
    track, numbers = train(task, arguments, MetricLearner(recipe, engine), engine, draws)

    def finish() -> None:
        heard = listen(track.folder / "best.pt", arguments.indexes, settings["window"])
        track.finish({**numbers, **heard}, [track.folder / "best.pt"])

    first_does(finish)


class MetricLearner:
    """Learns both encoders, and the generators of L_rec where its weight is not zero."""

    criterion = "loss"

    def __init__(self, recipe: Metric, engine: Fabric):
        torch.manual_seed(recipe.training.seed)
        self._recipe = recipe
        self.networks: dict[str, torch.nn.Module] = {"encoders": Encoders(recipe.networks, recipe.input_px)}
        if recipe.reconstruction_weight:
            sizes = ReconstructionSizes(
                **recipe.networks.reconstruction.model_dump(), attention_features=recipe.networks.features
            )
            self.networks |= {"next": ReconstructionGenerator(sizes), "previous": ReconstructionGenerator(sizes)}
            self._distance = engine.to_device(load_distance(recipe.perceptual))
        published.start(self.networks, recipe)
        weights = [weight for network in self.networks.values() for weight in network.parameters()]
        self.optimisers = {"all": torch.optim.Adam(weights, lr=recipe.training.rate)}

    def step(self, fabric: Fabric, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Learn from one batch of pairs."""
        terms, _ = self._terms(batch)
        descend(fabric, self.optimisers["all"], terms["loss"])
        return detached(terms)

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Return mean losses, and the AUC of pairs against their own negatives."""
        results = [self._terms(batch) for batch in batches]
        numbers = mean_terms([terms for terms, _ in results])
        pairs, negatives = (torch.cat([pair[k] for _, pair in results]).cpu().numpy() for k in (0, 1))
        return {**numbers, "auc": auc(pairs, negatives)}

    def _terms(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        recipe = self._recipe
        voices, faces = self.networks["encoders"](batch["mels"], batch["faces"])
        voice, face = voices[:, 1] - voices[:, 0], faces[:, 1] - faces[:, 0]
        positive, negative = similarity(voice, face), similarity(voice, faces[:, 2] - faces[:, 0])
        if recipe.negatives != "time":
            negative = torch.where(batch["far"], negative, similarity(voices[:, 3] - voices[:, 2], face))
        loss = pair_loss(positive, negative, recipe.margin)
        terms = {"positive": loss.positive, "negative": loss.negative}
        weighted = [(1.0, loss.positive), (recipe.negative_weight, loss.negative)]
        if recipe.reconstruction_weight:
            terms["reconstruction"] = self._reconstruction(channel_attention(voice), batch["faces"])
            weighted.append((recipe.reconstruction_weight, terms["reconstruction"]))
        return {"loss": weighted_sum(weighted), **terms}, (positive.detach(), negative.detach())

    def _reconstruction(self, attention: Tensor, faces: Tensor) -> Tensor:
        """Return L_rec: the later frame from the earlier one and the voice's change, and the other way round."""
        now, later = faces[:, 0], faces[:, 1]
        painted_later = self.networks["next"](now, attention)
        painted_now = self.networks["previous"](later, attention)
        return self._distance((painted_later + 1) / 2, (later + 1) / 2) + self._distance(
            (painted_now + 1) / 2, (now + 1) / 2
        )


def listen(model: Path, indexes: Sequence[str], window: Window) -> dict[str, float | int | None]:
    """Return the listening check of a trained metric on held-out speakers; warn where it is deaf."""
    metric = load_metric(model)
    clips = Clips(window)
    try:
        entries = read_index(indexes, "test")
    except InputError:
        entries = read_index(indexes, "val")
    embedded = [embed(metric.encoders, clips, entry, metric.recipe) for entry in entries[:LISTENING_CLIPS]]
    heard = listening(embedded, metric.recipe)
    said = ", ".join(f"{name} {value:.3g}" for name, value in heard.items() if value is not None)
    log.info("on %d held-out clips: %s", len(embedded), said)
    if heard["auc_audio"] < GUESS:
        log.warning("this metric does not listen: against another moment's sound its AUC is %.2f", heard["auc_audio"])
    return heard

"""One step of every optimiser, down the mean gradient of its own loss over one batch or several.

All losses are of the weights before the step. So in a GAN discriminator and generator step side by side, from one
judgement of each picture: the discriminator learns from the same pictures as if it stepped after the generator, as
first-order-model and face-vid2vid do it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tavce.training.gradients import refuse_broken
from tavce.training.job import Batch, Learner


def take_step(fabric: Fabric, learner: Learner, batches: Sequence[Batch]) -> dict[str, Tensor]:
    """Take one step of every optimiser; return the learner's numbers, their means over the batches.

    Raises:
        BrokenGradientError: a gradient is not finite; all weights are as they were.
    """
    optimisers = learner.optimisers
    for optimiser in optimisers.values():
        optimiser.zero_grad()
    numbers = []
    for number, batch in enumerate(batches, start=1):
        with _ranks_share(fabric, learner.networks.values(), number == len(batches)):
            losses = learner.losses(batch)
            descend(fabric, optimisers, {name: loss / len(batches) for name, loss in losses.of.items()})
        numbers.append({name: value.detach() for name, value in losses.numbers.items()})
    for optimiser in optimisers.values():
        refuse_broken(fabric, optimiser)
    step(fabric, optimisers.values())
    return {name: torch.stack([one[name] for one in numbers]).mean() for name in numbers[0]}


def descend(fabric: Fabric, optimisers: Mapping[str, torch.optim.Optimizer], losses: Mapping[str, Tensor]) -> None:
    """Add the gradient of every loss to the weights of its own optimiser, and to no others."""
    left = len(losses)
    for name, loss in losses.items():
        left -= 1
        groups = optimisers[name].param_groups
        weights = [weight for group in groups for weight in group["params"] if weight.requires_grad]
        fabric.backward(loss, inputs=weights, retain_graph=left > 0)


def step(fabric: Fabric, optimisers: Iterable[torch.optim.Optimizer]) -> None:
    """Let every optimiser take its step; one scale of the loss (`16-mixed`) holds for all of them."""
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is None:
        for optimiser in optimisers:
            optimiser.step()
        return
    for optimiser in optimisers:
        scaler.step(optimiser.optimizer)
    scaler.update()  # Fabric would after each optimiser: the next one's gradients were scaled by the scale before


@contextmanager
def _ranks_share(fabric: Fabric, networks: Iterable[nn.Module], share: bool) -> Iterator[None]:
    """Within: ranks share the gradients of all batches so far, or keep their own until the last batch."""
    with ExitStack() as stack:
        for network in networks:
            stack.enter_context(fabric.no_backward_sync(network, enabled=not share))
        yield

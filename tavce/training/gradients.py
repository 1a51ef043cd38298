"""Gradients that are not finite: seen before an optimiser takes them in, at the price of one wait for the GPU a step.

Ranks share their gradients before this looks at them, so all ranks see the same and stop alike. With `16-mixed` such
steps are part of the design: the loss is scaled, and where a gradient does not fit half precision, the step is skipped
and the scale halved. Only a scale that has fallen for tens of steps without end means that something is wrong.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

LOWEST_SCALE = 1e-4  # from torch's first one, 65536, after 30 skipped steps without a good one; fairseq's bound


class BrokenGradientError(FloatingPointError):
    """A gradient that is not finite: of which weight, and what to do."""

    def __init__(self, weight: Tensor, remedy: str):
        super().__init__(f"a gradient is not finite: {remedy}")
        self.weight = weight
        self.remedy = remedy


def refuse_broken(fabric: Fabric, optimiser: torch.optim.Optimizer) -> None:
    """Let pass an optimiser whose gradients are all finite, or whose step will be skipped by a scale that may fall.

    Raises:
        BrokenGradientError: a gradient is not finite; of the first such weight.
    """
    weights = [weight for group in optimiser.param_groups for weight in group["params"] if weight.grad is not None]
    norm = nn.utils.get_total_norm([weight.grad for weight in weights])
    if math.isfinite(norm):
        return
    broken = next((weight for weight in weights if not weight.grad.isfinite().all()), None)
    if broken is None:  # only its square is too large
        return
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is not None and scaler.get_scale() >= LOWEST_SCALE:
        return
    if scaler is None:
        raise BrokenGradientError(broken, "lower training.rate, or try training.precision 32-true")
    raise BrokenGradientError(
        broken,
        f"steps were skipped until the loss was scaled by {scaler.get_scale():.2g}: "
        "set training.precision to bf16-mixed or 32-true, or lower training.rate",
    )


@contextmanager
def named(step: int, networks: Mapping[str, nn.Module]) -> Iterator[None]:
    """Within: a gradient that is not finite ends the run with the step and the name of its weight.

    Raises:
        FloatingPointError: there was one.
    """
    try:
        yield
    except BrokenGradientError as error:
        names = {
            value: f"{name}.{key}" for name, net in networks.items() for key, value in net.module.named_parameters()
        }
        name = names[error.weight]
        raise FloatingPointError(
            f"step {step}: the gradient of {name} is not finite, so the step was not taken: {error.remedy} "
            "(last.ckpt is that of an earlier step)"
        ) from None

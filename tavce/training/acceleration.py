"""What makes the same networks faster, and changes their results by rounding only: memory layout and compiled kernels.

Neither changes the names or values of weights: checkpoints go either way. Shapes: B samples, C channels, S side.
"""

import os
import shlex
import shutil
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch._functorch import config as autograd

from tavce.config.learning import Training
from tavce.records import InputError

BACKEND = "inductor"  # torch.compile's own


def accelerate(network: nn.Module, training: Training) -> None:
    """Prepare a network, in place, as the settings say.

    Raises:
        InputError: it is to be compiled, and there is no C++ compiler.
    """
    if training.channels_last:
        channels_last(network)
    if training.compile:
        require_compiler()
        autograd.donated_buffer = False  # a discriminator's graph serves two losses: none may use up what is in it
        network.compile(backend=BACKEND)  # in place: torch.compile(network) would rename every weight


def channels_last(network: nn.Module) -> None:
    """Lay the weights of 2D convolutions out in memory with their channels last; the values stay."""
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


def laid_out(batch: Mapping[str, Tensor], training: Training) -> dict[str, Tensor]:
    """Return a batch with its pictures [B, C, S, S] laid out as the networks are."""
    if not training.channels_last:
        return dict(batch)
    return {
        name: value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
        for name, value in batch.items()
    }


def require_compiler() -> None:
    """Check that torch.compile finds a C++ compiler: CXX, or else g++.

    Raises:
        InputError: it does not.
    """
    name = os.environ.get("CXX") or "g++"
    if shutil.which(shlex.split(name)[0]) is None:
        raise InputError(
            f"training.compile needs a C++ compiler, and there is no {name}: install g++, name another in CXX, "
            "or set training.compile to false"
        )

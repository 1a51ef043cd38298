"""What a step of a training run depends on: the epoch it is in, its learning rate, its randomness."""

import math
from collections.abc import Iterable

import numpy as np
import torch

from tavce.config.learning import Training


def step_seed(seed: int, step: int, rank: int) -> int:
    """Return the seed of one step's own randomness."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])


def steps_per_epoch(training: Training, clips: int, ranks: int) -> int:
    """Return the optimiser steps in which every clip is drawn `repeats` times."""
    return math.ceil(clips * training.repeats / (training.samples_a_step * ranks))


def set_rates(optimisers: Iterable[torch.optim.Optimizer], training: Training, epoch: int) -> None:
    """Give every optimiser the learning rate of an epoch: what it began with, decayed."""
    factor = training.decay ** (epoch // training.decay_every)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor

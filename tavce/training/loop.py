"""The one training loop: precision and devices by Lightning Fabric, validation, best and last checkpoint, exact resume.

Draws are numbered and every step seeds its own randomness, so a run that was killed and started again ends with the
same weights, to the bit on a CPU, as one that was not. It knows no model: a `Learner` does.
"""

import json
import logging
import math
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from tavce.config.learning import Training
from tavce.dataset import DrawRange, Draws
from tavce.files import digest, whole
from tavce.progress import progress
from tavce.training import checkpoint

log = logging.getLogger(__name__)
VALIDATION_SEED = 1_000_003  # validation draws never coincide with training draws


class Learner(Protocol):
    """What the loop trains."""

    networks: dict[str, torch.nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]
    criterion: str  # the validation number that is to fall

    def step(self, fabric: Fabric, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Learn from one batch; return numbers to log."""

    def validate(self, batches: Iterable[dict[str, torch.Tensor]]) -> dict[str, float]:
        """Return numbers on the validation batches, `criterion` among them."""


@dataclass(frozen=True)
class Job:
    """One training run: where it writes, what it may be told, and what identifies it."""

    folder: Path
    training: Training
    version: int  # of the stage
    settings: dict[str, Any]
    data: str  # digest of the indexes and other inputs
    track: Any  # training.tracking.Run

    @property
    def identity(self) -> str:
        """What a checkpoint must share to be continued."""
        return digest({"version": self.version, "settings": self.settings, "data": self.data})


def fabric(training: Training) -> Fabric:
    """Return Fabric for this process: one device, a GPU where there is one, and the precision of the settings."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    return Fabric(accelerator="auto", devices=1, precision=training.precision)


def step_seed(seed: int, step: int, rank: int) -> int:
    """Return the seed of one step's own randomness."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])


def steps_per_epoch(training: Training, clips: int, ranks: int) -> int:
    """Return the optimiser steps in which every clip is drawn `repeats` times."""
    return math.ceil(clips * training.repeats / (training.batch * ranks))


class Loop:
    """Trains a learner to the end, from wherever an earlier run was stopped."""

    def __init__(self, job: Job, learner: Learner, engine: Fabric):
        self._job = job
        self._learner = learner
        self._fabric = engine
        self._step = 0
        self._best: float | None = None
        self._stopping = False

    def run(self, train: Draws, validation: Draws) -> dict[str, float]:
        """Train; write `best.pt` and `history.jsonl` into the folder; return the best validation's numbers."""
        training, ranks = self._job.training, self._fabric.world_size
        epoch_steps = steps_per_epoch(training, len(train.entries), ranks)
        total = epoch_steps * training.epochs
        self._fabric.launch()
        self._setup()
        self._resume()
        loader = DataLoader(
            train,
            batch_sampler=DrawRange(self._step, total, training.batch, self._fabric.global_rank, ranks),
            num_workers=training.workers,
            persistent_workers=training.workers > 0,
        )
        batches = self._fabric.setup_dataloaders(loader, use_distributed_sampler=False)
        with self._stopping_on_signals():
            self._train(batches, validation, epoch_steps, total)
        return self._finish()

    def _train(self, batches: Iterable[dict], validation: Draws, epoch_steps: int, total: int) -> None:
        training = self._job.training
        for batch in progress(batches, self._job.folder.name, total=total, start=self._step):
            self._learn(batch, epoch_steps)
            ends_epoch = self._step % epoch_steps == 0
            if ends_epoch:
                self._validate(validation)
            if ends_epoch or self._step % training.checkpoint_every == 0 or self._stopping:
                self._save("last.ckpt")
            if self._stopping:
                log.info("stopped at step %d of %d: the same command goes on from here", self._step, total)
                raise SystemExit(128 + signal.SIGTERM)

    def _setup(self) -> None:
        networks = self._learner.networks
        for name, network in networks.items():
            networks[name] = self._fabric.setup_module(network, move_to_device=True)
        for name, optimiser in self._learner.optimisers.items():
            self._learner.optimisers[name] = self._fabric.setup_optimizers(optimiser)

    def _learn(self, batch: dict[str, torch.Tensor], epoch_steps: int) -> None:
        training = self._job.training
        epoch = self._step // epoch_steps
        factor = training.decay ** (epoch // training.decay_every)
        for optimiser in self._learner.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
        torch.manual_seed(step_seed(training.seed, self._step, self._fabric.global_rank))
        for network in self._learner.networks.values():
            network.train()
        numbers = self._learner.step(self._fabric, batch)
        self._step += 1
        if self._step % training.log_every == 0 or self._step == 1:
            self._log({name: float(value) for name, value in numbers.items()})

    @torch.no_grad()
    def _validate(self, validation: Draws) -> None:
        training = self._job.training
        for network in self._learner.networks.values():
            network.eval()
        torch.manual_seed(VALIDATION_SEED)
        batches = DataLoader(validation, batch_sampler=DrawRange(0, training.validate_batches, training.batch))
        numbers = self._learner.validate(self._fabric.setup_dataloaders(batches, use_distributed_sampler=False))
        self._log({f"val_{name}": value for name, value in numbers.items()})
        self._job.track.flush()
        score = numbers[self._learner.criterion]
        log.info("step %d: %s", self._step, ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
        if self._best is None or score < self._best:
            self._best = score
            self._save("best.ckpt", numbers=numbers)

    def _log(self, numbers: dict[str, float]) -> None:
        bad = [name for name, value in numbers.items() if not math.isfinite(value)]
        if bad:
            raise FloatingPointError(f"step {self._step}: {', '.join(bad)} is not finite: lower the learning rate")
        if self._fabric.is_global_zero:
            self._job.track.log(self._step, numbers)

    def _state(self) -> dict[str, Any]:
        return {
            "stage": self._job.track.stage,
            "identity": self._job.identity,
            "settings": json.dumps(self._job.settings, sort_keys=True),
            "step": self._step,
            "best": self._best,
            "networks": {name: network.state_dict() for name, network in self._learner.networks.items()},
        }

    def _save(self, name: str, **more: Any) -> None:
        optimisers = {key: optimiser.state_dict() for key, optimiser in self._learner.optimisers.items()}
        if self._fabric.is_global_zero:
            with_optimisers = {"optimisers": optimisers} if name == "last.ckpt" else {}
            checkpoint.save(self._job.folder / name, {**self._state(), **with_optimisers, **more})

    def _resume(self) -> None:
        state = checkpoint.load_same(self._job.folder / "last.ckpt", self._job.identity)
        if state is None:
            self._job.track.restart(0)
            return
        for name, network in self._learner.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimiser in self._learner.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self._step, self._best = state["step"], state["best"]
        self._job.track.restart(self._step)
        log.info("resumed at step %d", self._step)

    @contextmanager
    def _stopping_on_signals(self) -> Iterator[None]:
        """Within: SIGTERM and SIGUSR1 (a cluster's warning before a limit) ask for a checkpoint and a clean end."""

        def stop(_number: int, _frame: object) -> None:
            self._stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGUSR1)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _finish(self) -> dict[str, float]:
        folder = self._job.folder
        best = checkpoint.load(folder / "best.ckpt")
        with whole(folder / "best.pt") as part:
            shutil.copyfile(folder / "best.ckpt", part)
        log.info("best at step %d of %d", best["step"], self._step)
        return {**best["numbers"], "step": best["step"], "steps": self._step}

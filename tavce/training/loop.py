"""The one training loop: precision and devices by Lightning Fabric, validation, best and last checkpoint, exact resume.

Draws are numbered and every step seeds its own randomness, so a run that was killed and started again ends with the
same weights as one that was not: to the bit on a CPU by one rank or two; beyond two, sums over ranks may round
otherwise. A step learns from `accumulate` batches of `batch` draws a rank. Another number of ranks may continue a run:
it goes on at the same draw and in the same epoch, so learning rate and end stay (up to a step an epoch, where clips do
not fill the steps); other steps take other draws together, so weights do not stay. It knows no model: a `Learner` does.
"""

import json
import logging
import math
import shutil
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from tavce.cluster.requeue import queue_again
from tavce.config.learning import Training
from tavce.dataset import Draws
from tavce.files import whole
from tavce.loading import DrawRange, plain_errors
from tavce.progress import progress
from tavce.training import batch_norm, checkpoint, gradients, ranks
from tavce.training.acceleration import accelerate, laid_out
from tavce.training.average import MovingAverage
from tavce.training.best import Best
from tavce.training.data_wait import DataWait
from tavce.training.descent import take_step
from tavce.training.job import Batch, Job, Learner
from tavce.training.mlflow_store import SAMPLES
from tavce.training.schedule import set_rates, step_seed, steps_per_epoch
from tavce.training.stopping import StopSignal, ignore_in_worker

log = logging.getLogger(__name__)
VALIDATION_SEED = 1_000_003  # validation draws never coincide with training draws


def fabric(training: Training) -> Fabric:
    """Return Fabric for this process: one device, a GPU where there is one, and the precision of the settings.

    Started by `srun` with several tasks, it is one of their ranks, which train together (DDP). Of their logs, only the
    first rank's has more than warnings.

    Raises:
        InputError: more tasks on this node than GPUs.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    engine = Fabric(accelerator="auto", precision=training.precision, **ranks.placement())
    if engine.global_rank > 0:
        logging.disable(logging.INFO)
    return engine


class Loop:
    """Trains a learner to the end, from wherever an earlier run was stopped."""

    def __init__(self, job: Job, learner: Learner, engine: Fabric):
        self._job = job
        self._learner = learner
        self._fabric = engine
        self._step = 0  # of the schedule
        self._ahead = 0  # steps taken beyond those of the schedule: not 0 after a change of the number of ranks
        self._best = Best(job.training.patience)
        self._wait = DataWait()
        self._stop = StopSignal()

    def run(self, train: Draws, validation: Draws) -> dict[str, float]:
        """Train; write `best.pt` and `history.jsonl` into the folder; return the best validation's numbers."""
        self._fabric.launch()
        training, engine = self._job.training, self._fabric
        epoch_steps = steps_per_epoch(training, len(train.entries), engine.world_size)
        total = epoch_steps * training.epochs
        self._setup()
        self._resume(total)
        end = self._step if self._best.is_final else total
        loader = DataLoader(
            train,
            batch_sampler=DrawRange(
                self._step, end, training.batch, engine.global_rank, engine.world_size, training.accumulate
            ),
            num_workers=training.workers,
            persistent_workers=training.workers > 0,
            worker_init_fn=ignore_in_worker,
        )
        batches = engine.setup_dataloaders(loader, use_distributed_sampler=False)
        with self._stop.heeded(), plain_errors():
            self._train(batches, validation, epoch_steps, total)
        if self._best.is_final:
            of = total + self._ahead
            log.info("ended at step %d of %d: no better validation in %d", self._taken, of, self._best.since)
        share = self._wait.share()
        return ranks.first_does(lambda: {**self._finish(), "data_wait": share})

    def _train(self, batches: Iterable[Batch], validation: Draws, epoch_steps: int, total: int) -> None:
        training = self._job.training
        steps = self._wait.over(zip(*[iter(batches)] * training.accumulate, strict=True))
        for together in progress(steps, self._job.folder.name, total=total, start=self._step):
            self._learn(together, epoch_steps)
            self._wait.step_taken()
            if self._job.pictures and self._taken % self._job.pictures.every == 0:
                self._draw()
            ends_epoch = self._step % epoch_steps == 0
            if ends_epoch:
                self._validate(validation)
            number = ranks.largest(self._stop.number)  # every rank stops at the same step, whichever was told to
            if ends_epoch or self._step % training.checkpoint_every == 0 or number:
                self._save("last.ckpt")
            if number:
                of = total + self._ahead
                log.info("stopped at step %d of %d: the same command goes on from here", self._taken, of)
                ranks.first_does(partial(queue_again, number))
                ranks.largest(0)  # none leaves before the checkpoint is there: `srun` may then end the others
                raise SystemExit(128 + signal.SIGTERM)
            if self._best.is_final:
                return

    def _setup(self) -> None:
        networks, training = self._learner.networks, self._job.training
        for name, network in networks.items():
            if training.sync_batchnorm and not ranks.alone():
                batch_norm.join(network)
            accelerate(network, training)
            networks[name] = self._fabric.setup_module(network, move_to_device=True)
        for name, optimiser in self._learner.optimisers.items():
            self._learner.optimisers[name] = self._fabric.setup_optimizers(optimiser)
        self._average = MovingAverage({name: networks[name].module for name in self._learner.averaged}, training.ema)

    def _learn(self, batches: Sequence[Batch], epoch_steps: int) -> None:
        training = self._job.training
        set_rates(self._learner.optimisers.values(), training, self._step // epoch_steps)
        torch.manual_seed(step_seed(training.seed, self._step, self._fabric.global_rank))
        for network in self._learner.networks.values():
            network.train()
        with gradients.named(self._taken + 1, self._learner.networks):
            numbers = take_step(self._fabric, self._learner, [laid_out(batch, training) for batch in batches])
        self._average.update()
        self._step += 1
        if self._step % training.log_every == 0 or self._step == 1:
            self._log(ranks.means(numbers))

    @contextmanager
    def _evaluated(self) -> Iterator[None]:
        """Within: the networks are as they are used after training, averaged where `ema` says so."""
        for network in self._learner.networks.values():
            network.eval()
        with torch.no_grad(), self._average.in_place():
            yield

    def _validate(self, validation: Draws) -> None:
        with self._evaluated():
            numbers = ranks.first_does(lambda: self._measure(validation))
            self._log({f"val_{name}": value for name, value in numbers.items()})
            if self._best.improves(numbers[self._learner.criterion]):
                self._save("best.ckpt", numbers=numbers)
        if ranks.is_first():
            self._job.track.flush()
        said = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        log.info("step %d: %s; %s", self._taken, said, self._wait.epoch())

    def _measure(self, validation: Draws) -> dict[str, float]:
        training = self._job.training
        torch.manual_seed(VALIDATION_SEED)
        loader = DataLoader(validation, batch_sampler=DrawRange(0, training.validate_batches, training.batch))
        batches = self._fabric.setup_dataloaders(loader, use_distributed_sampler=False)
        return self._learner.validate(laid_out(batch, training) for batch in batches)

    def _draw(self) -> None:
        def draw() -> None:
            self._job.pictures.draw(self._job.folder / SAMPLES / f"step_{self._taken:06d}.png")
            self._job.track.flush()

        with self._evaluated():
            ranks.first_does(draw)

    def _log(self, numbers: dict[str, float]) -> None:
        bad = [name for name, value in numbers.items() if not math.isfinite(value)]
        if bad:
            raise FloatingPointError(f"step {self._taken}: {', '.join(bad)} is not finite: lower the learning rate")
        if ranks.is_first():
            self._job.track.log(self._taken, numbers)

    @property
    def _taken(self) -> int:
        """Steps taken, by however many ranks: what is logged."""
        return self._step + self._ahead

    @property
    def _draws_a_step(self) -> int:
        return self._job.training.samples_a_step * self._fabric.world_size

    def _state(self) -> dict[str, Any]:
        return {
            "stage": self._job.track.stage,
            "identity": self._job.identity,
            "settings": json.dumps(self._job.settings, sort_keys=True),
            "step": self._taken,
            "draws": self._step * self._draws_a_step,
            "best": self._best.score,
            "networks": {name: network.state_dict() for name, network in self._learner.networks.items()},
        }

    def _save(self, name: str, **more: Any) -> None:
        if not ranks.is_first():
            return
        if name == "last.ckpt":
            more["optimisers"] = {key: optimiser.state_dict() for key, optimiser in self._learner.optimisers.items()}
            more["average"] = self._average.state_dict()
            more["precision"] = self._fabric.strategy.precision.state_dict()  # the scale of 16-mixed
            more["since_best"] = self._best.since
            more["data_wait"] = self._wait.seconds
        checkpoint.save(self._job.folder / name, {**self._state(), **more})

    def _resume(self, total: int) -> None:
        path = self._job.folder / "last.ckpt"
        state = checkpoint.load_same(path, self._job.identity) if ranks.is_first() else None
        if ranks.from_first(state is not None):
            state = state or checkpoint.load(path)
            for name, network in self._learner.networks.items():
                network.load_state_dict(state["networks"][name])
            for name, optimiser in self._learner.optimisers.items():
                optimiser.load_state_dict(state["optimisers"][name])
            self._average.load_state_dict(state["average"])
            self._fabric.strategy.precision.load_state_dict(state["precision"])
            self._best.score, self._best.since = state["best"], state["since_best"]
            self._wait = DataWait(*state["data_wait"])
            draws = state.get("draws", state["step"] * self._job.training.batch)  # older checkpoints: of one rank
            self._step = min(draws // self._draws_a_step, total)
            self._ahead = state["step"] - self._step
            log.info("resumed at step %d", self._taken)
        if ranks.is_first():
            self._job.track.restart(self._taken)

    def _finish(self) -> dict[str, float]:
        folder = self._job.folder
        best = checkpoint.load(folder / "best.ckpt")
        with whole(folder / "best.pt") as part:
            shutil.copyfile(folder / "best.ckpt", part)
        log.info("best at step %d of %d", best["step"], self._taken)
        return {**best["numbers"], "step": best["step"], "steps": self._taken}

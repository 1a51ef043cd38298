"""Facts about gradients that are not finite: the run stops before the step, and says where and what to do."""

import math

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.plugins.precision import MixedPrecision
from toy_training import Interrupted, Toy, ToyLearner, training

from tavce.training import checkpoint
from tavce.training.descent import take_step
from tavce.training.gradients import BrokenGradientError
from tavce.training.job import Losses


def test_a_gradient_that_is_not_finite_ends_the_run_with_step_weight_and_remedy_although_the_loss_is(tmp_path):
    toy = Toy(tmp_path, learner=ToyLearner(explodes_at=7))
    with pytest.raises(
        FloatingPointError,
        match=r"step 7: the gradient of weight\.value is not finite, so the step was not taken: lower training\.rate, "
        r"or try training\.precision 32-true \(last\.ckpt is that of an earlier step\)",
    ):
        toy.run()
    assert toy.learner.trained == 6
    assert math.isfinite(toy.weight)


def test_the_checkpoint_before_it_is_good_to_go_on_from(tmp_path):
    broken, whole = Toy(tmp_path / "broken", learner=ToyLearner(explodes_at=8)), Toy(tmp_path / "whole")
    with pytest.raises(FloatingPointError, match="step 8: the gradient"):
        broken.run()
    assert checkpoint.load(tmp_path / "broken/last.ckpt")["step"] == 6
    broken.learner = ToyLearner()
    assert broken.run() == whole.run()
    assert broken.weight == whole.weight


def scaled(**scale: float) -> Fabric:
    """Return an engine of half precision with a scaled loss, which Fabric itself gives to GPUs only."""
    scaler = torch.amp.GradScaler("cpu", **scale)
    return Fabric(
        accelerator="cpu", devices=1, plugins=[MixedPrecision("16-mixed", "cpu", scaler), LightningEnvironment()]
    )


class Line:
    """Learns a line: falls by its own value, times a factor, at (1, 1)."""

    def __init__(self, engine: Fabric):
        net = torch.nn.Linear(2, 1)
        self.net, optimiser = engine.setup(net, torch.optim.SGD(net.parameters(), lr=0.1))
        self.networks, self.optimisers = {"net": self.net}, {"all": optimiser}

    def losses(self, batch: dict[str, torch.Tensor]) -> Losses:
        loss = batch["factor"] * self.net(torch.ones(1, 2)).sum()
        return Losses({"all": loss}, {})


def by(factor: float) -> list[dict[str, torch.Tensor]]:
    """Return the batches of a step."""
    return [{"factor": torch.tensor(factor)}]


def test_a_scale_that_is_too_large_skips_steps_until_it_fits_and_training_goes_on():
    engine = scaled(init_scale=2.0**20)
    line = Line(engine)
    before = line.net.weight.clone()
    for _ in range(5):  # 2^16 · 1 is the first that half precision cannot hold
        take_step(engine, line, by(1.0))
        assert torch.equal(line.net.weight, before)
    take_step(engine, line, by(1.0))
    torch.testing.assert_close(line.net.weight, before - 0.1)
    assert engine.strategy.precision.scaler.get_scale() == 2.0**15


def test_a_gradient_whose_square_alone_is_too_large_is_finite():
    engine = Fabric(accelerator="cpu", devices=1, plugins=[LightningEnvironment()])
    line = Line(engine)
    take_step(engine, line, by(1e30))
    torch.testing.assert_close(line.net.weight.detach(), torch.full((1, 2), -1e29))


def skip_steps(engine: Fabric, skipped: list[int]) -> None:
    """Descend a loss that is no number, until told that it is none."""
    line = Line(engine)
    while len(skipped) < 100:
        take_step(engine, line, by(math.nan))
        skipped.append(len(skipped) + 1)


def test_a_scale_that_falls_without_end_ends_the_run():
    skipped = []
    with pytest.raises(
        BrokenGradientError, match=r"until the loss was scaled by 6\.1e-05: set training\.precision to bf"
    ):
        skip_steps(scaled(), skipped)
    assert skipped[-1] == 30


def test_the_scale_goes_on_from_where_it_was_when_a_run_is_started_again(tmp_path):
    whole = Toy(tmp_path / "whole", engine=scaled(init_scale=64.0, growth_interval=2))
    whole.run()
    stopped = Toy(
        tmp_path / "stopped", training(), Interrupted(at=5), engine=scaled(init_scale=64.0, growth_interval=2)
    )
    with pytest.raises(SystemExit):
        stopped.run()
    stopped.learner, stopped.engine = ToyLearner(), scaled(growth_interval=2)
    stopped.run()
    scales = [toy.engine.strategy.precision.scaler.get_scale() for toy in (whole, stopped)]
    assert scales == [64.0 * 2**6] * 2
    assert stopped.weight == whole.weight

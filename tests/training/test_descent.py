"""Facts about one step: what accumulated batches, and optimisers that step side by side, learn from it."""

from itertools import chain

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from test_gradients import scaled
from torch import nn
from toy_training import Toy, ToyLearner, training

from tavce.loading import DrawRange
from tavce.training.descent import take_step
from tavce.training.job import Losses


class Adversaries:
    """A painter of numbers against a judge, without batch norm."""

    def __init__(self, engine: Fabric, optimiser: type = torch.optim.Adam, dtype: torch.dtype = torch.float64):
        torch.manual_seed(1)
        painter = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(dtype)
        judge = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)).to(dtype)
        self.networks = {"painter": engine.setup_module(painter), "judge": engine.setup_module(judge)}
        self.optimisers = {
            name: engine.setup_optimizers(optimiser(network.parameters(), lr=0.01))
            for name, network in self.networks.items()
        }

    def terms(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        painted = self.networks["painter"](batch["given"])
        fake, real = self.networks["judge"](painted), self.networks["judge"](batch["wanted"])
        return (1 + fake).relu().mean() + (1 - real).relu().mean(), (
            painted - batch["wanted"]
        ).square().mean() - fake.mean()

    def losses(self, batch: dict[str, torch.Tensor]) -> Losses:
        judged, loss = self.terms(batch)
        return Losses({"judge": judged, "painter": loss}, {"loss": loss, "judged": judged})

    def weights(self) -> torch.Tensor:
        return torch.cat([weight.flatten() for network in self.networks.values() for weight in network.parameters()])


def engine() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, plugins=[LightningEnvironment()])


def batches(steps: int, dtype: torch.dtype = torch.float64) -> list[dict[str, torch.Tensor]]:
    """Return batches of four."""
    torch.manual_seed(2)
    return [{"given": torch.randn(4, 3, dtype=dtype), "wanted": torch.randn(4, 2, dtype=dtype)} for _ in range(steps)]


def halves(batch: dict[str, torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    return [{name: value[part] for name, value in batch.items()} for part in (slice(0, 2), slice(2, 4))]


def test_two_accumulated_batches_of_two_teach_what_one_of_four_does_both_optimisers_of_a_gan_included():
    whole, parts = Adversaries(engine()), Adversaries(engine())
    for batch in batches(20):
        numbers = take_step(engine(), whole, [batch])
        others = take_step(engine(), parts, halves(batch))
        torch.testing.assert_close(others, numbers, atol=1e-12, rtol=0)
    assert (whole.weights() - parts.weights()).abs().max() <= 1e-10
    assert (whole.weights() - Adversaries(engine()).weights()).abs().max() > 0.1


def test_every_loss_teaches_the_weights_of_its_own_optimiser_and_no_others():
    learner, (batch,) = Adversaries(engine()), batches(1)
    judged, loss = learner.terms(batch)
    wanted = {}
    for name, term in (("judge", judged), ("painter", loss)):
        wanted[name] = torch.autograd.grad(term, [*learner.networks[name].parameters()], retain_graph=True)
    take_step(engine(), learner, [batch])
    for name, gradients in wanted.items():
        learnt = [weight.grad for weight in learner.networks[name].parameters()]
        torch.testing.assert_close(learnt, [*gradients], atol=1e-15, rtol=0)


def test_one_scale_of_the_loss_holds_for_all_optimisers_of_a_step():
    """A scale that grows after every step must not shrink what the second optimiser has learnt in that step."""
    half = scaled(init_scale=64.0, growth_interval=1)
    plain, grown = (Adversaries(made, torch.optim.SGD, torch.float32) for made in (engine(), half))
    before = plain.weights().detach()
    for batch in batches(3, torch.float32):
        take_step(engine(), plain, [batch])
        take_step(half, grown, halves(batch))
    moved = (plain.weights() - before).norm()
    assert half.strategy.precision.scaler.get_scale() == 64.0 * 2**3
    assert (plain.weights() - grown.weights()).norm() < 0.05 * moved


def test_a_rank_s_share_of_a_step_is_divided_into_batches_in_order():
    for rank in (0, 1):
        whole, parts = DrawRange(3, 6, 6, rank, 2), DrawRange(3, 6, 2, rank, 2, 3)
        batches = [*parts]
        assert len(parts) == len(batches) == 9
        assert [[*chain(*batches[step : step + 3])] for step in (0, 3, 6)] == [*whole]


def test_the_loop_takes_the_same_draws_a_step_as_one_batch_or_as_two(tmp_path):
    one, two = (
        Toy(tmp_path / str(number), training(batch=4 // number, accumulate=number), ToyLearner(noise=0))
        for number in (1, 2)
    )
    numbers = [toy.run() for toy in (one, two)]
    assert numbers[1]["steps"] == numbers[0]["steps"] == 12
    assert [*zip(two.learner.seen[::2], two.learner.seen[1::2], strict=True)] == [
        (draws[:2], draws[2:]) for draws in one.learner.seen
    ]
    assert two.weight == pytest.approx(one.weight, rel=1e-5)

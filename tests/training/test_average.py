"""Facts about the moving average of weights: its values, and that it is what is validated and kept."""

import pytest
import torch
from torch import nn
from toy_training import Toy, training

from tavce.training import checkpoint
from tavce.training.average import MovingAverage


def test_the_average_is_that_by_hand_and_statistics_are_those_of_the_last_step():
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        net[0].weight.fill_(1.0)
    average = MovingAverage({"net": net}, 0.75)
    for value in (2.0, 4.0):
        with torch.no_grad():
            net[0].weight.fill_(value)
        net(torch.full((2, 1), value))
        average.update()
    kept = average.state_dict()["net"]
    assert float(kept["0.weight"]) == 0.75 * (0.75 * 1 + 0.25 * 2) + 0.25 * 4
    assert float(kept["1.running_mean"]) == float(net[1].running_mean) == pytest.approx(0.9 * 0.4 + 0.1 * 16)
    assert int(kept["1.num_batches_tracked"]) == 2


def test_in_its_place_the_networks_are_the_average_and_afterwards_themselves_to_the_bit():
    net = nn.Linear(3, 2)
    average = MovingAverage({"net": net}, 0.9)
    started = net.weight.detach().clone()
    with torch.no_grad():
        net.weight.normal_()
    own = net.weight.detach().clone()
    with average.in_place():
        assert torch.equal(net.weight, started)
    assert torch.equal(net.weight, own)
    assert torch.equal(average.state_dict()["net"]["weight"], started)


def test_without_a_decay_nothing_is_kept():
    average = MovingAverage({"net": nn.Linear(3, 2)}, None)
    average.update()
    assert average.state_dict() == {}


def test_the_average_is_validated_and_the_best_while_the_last_checkpoint_has_both(tmp_path):
    toy, plain = Toy(tmp_path, training(ema=0.8)), Toy(tmp_path / "plain")
    numbers = toy.run()
    averages = toy.learner.averages(0.8)
    last, best = checkpoint.load(tmp_path / "last.ckpt"), checkpoint.load(tmp_path / "best.pt")
    assert float(last["networks"]["weight"]["value"]) == toy.learner.weights[-1] == toy.weight
    assert float(last["average"]["weight"]["value"]) == pytest.approx(averages[-1], rel=1e-6)
    assert float(best["networks"]["weight"]["value"]) == pytest.approx(averages[numbers["step"]], rel=1e-6)
    assert numbers["score"] != plain.run()["score"]
    assert toy.weight == plain.weight
    assert checkpoint.load(tmp_path / "plain/last.ckpt")["average"] == {}

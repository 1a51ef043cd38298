"""Facts about batch norm over all ranks' samples: two ranks equal torch's own on the joined batch."""

import os
from pathlib import Path

import pytest
import torch
from forked import start
from norm_rank import LAYERS, SPLIT, network, passes, samples
from torch import nn

from tavce.training import batch_norm

CLOSE = {"rtol": 1e-12, "atol": 1e-12}


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> list[dict]:
    """What two processes found."""
    folder = tmp_path_factory.mktemp("norms")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    processes = [
        start(["norm_rank", str(folder), str(rank)], folder, environment, folder / "log.txt") for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_two_ranks_with_uneven_parts_equal_torch_s_own_on_the_joined_batch(both, name):
    first, second = (results[name] for results in both)
    one = passes(network(name), samples(name))
    for what in ("outputs", "input gradients"):
        joined = [torch.cat(parts) for parts in zip(first[what], second[what], strict=True)]
        torch.testing.assert_close(joined, one[what], **CLOSE)
    summed = [mine + theirs for mine, theirs in zip(first["weight gradients"], second["weight gradients"], strict=True)]
    torch.testing.assert_close(summed, one["weight gradients"], **CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_both_ranks_remember_the_statistics_of_the_joined_batches_under_torch_s_names(both, name):
    one = passes(network(name), samples(name))["state"]
    for results in both:
        assert results[name]["state"].keys() == one.keys()
        torch.testing.assert_close(dict(results[name]["state"]), dict(one), **CLOSE)


@pytest.mark.slow
def test_while_evaluating_a_rank_needs_no_other(both):
    name = "2d"
    one = passes(network(name), samples(name))["evaluated"][0].split(SPLIT)
    for results, expected in zip(both, one, strict=True):
        torch.testing.assert_close(results[name]["evaluated"][0], expected, **CLOSE)


@pytest.mark.parametrize("name", LAYERS)
def test_alone_it_is_torch_s_own_to_the_bit(name):
    joint = network(name)
    batch_norm.join(joint)
    assert isinstance(joint[0], batch_norm.JointBatchNorm)
    torch.testing.assert_close(passes(joint, samples(name)), passes(network(name), samples(name)), rtol=0, atol=0)


def test_every_batch_norm_is_replaced_at_any_depth_and_optimisers_keep_its_weights():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ModuleDict({"deep": nn.Sequential(nn.BatchNorm2d(4))}), nn.LayerNorm(4))
    optimiser = torch.optim.SGD(net.parameters(), lr=1)
    names = list(net.state_dict())
    batch_norm.join(net.eval())
    assert list(net.state_dict()) == names
    assert [type(layer) for layer in net.modules() if "Norm" in type(layer).__name__] == [
        batch_norm.JointBatchNorm,
        nn.LayerNorm,
    ]
    held, trained = optimiser.param_groups[0]["params"], list(net.parameters())
    assert all(one is other for one, other in zip(held, trained, strict=True))
    assert not any(layer.training for layer in net.modules())

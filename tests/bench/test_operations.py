"""Facts about the operations that are counted of training steps."""

import operations
import pytest
from tiny_corpus import tiny_settings

from tavce.plan.learning import networks

pytestmark = pytest.mark.slow


def test_every_network_is_counted_and_a_sample_costs_the_same_in_a_larger_batch(tiny, monkeypatch):
    settings = tiny_settings()
    pairs = operations.measure(tiny.root, settings)
    monkeypatch.setattr(operations, "BATCH", 4)
    fours = operations.measure(tiny.root, settings)
    assert pairs.keys() == {network.shape for network in networks(dict(settings))}
    for shape, costs in pairs.items():
        assert costs["flops"] > 0
        assert fours[shape]["flops"] == pytest.approx(costs["flops"])


def test_painting_a_frame_takes_less_than_learning_from_it(tiny):
    counted = operations.measure(tiny.root, tiny_settings())
    renderers = [costs for costs in counted.values() if "frame_flops" in costs]
    assert len(renderers) == 2
    assert all(0 < costs["frame_flops"] < costs["flops"] / 2 for costs in renderers)

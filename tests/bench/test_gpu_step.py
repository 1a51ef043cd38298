"""Facts about the bench of a GPU, tried on the CPU in miniature: what it measures, and that it skips."""

import logging

import gpu_step
import pytest
import torch
from tiny_corpus import tiny_settings


@pytest.mark.slow
def test_every_batch_has_its_time_and_share_and_talking_its_frames(monkeypatch):
    settings = tiny_settings(synthesise={"batch": 4})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    extent = gpu_step.Extent(steps=1, batches=(1, 2), frames=3, product=64)
    found = [*gpu_step.measured(settings, gpu_step.WAYS[2:3], extent, torch.device("cpu"))]
    assert len(found) == 2 * 3 + 1
    assert all(measurement.value > 0 for measurement in found)
    assert found[-1].name == "gpu, talking at 32 px"


def test_a_batch_that_does_not_fit_ends_its_way(monkeypatch, caplog):
    def full(*_given: object) -> None:
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(gpu_step, "_step", full)
    extent = gpu_step.Extent(steps=1, batches=(1, 2), frames=1, product=8)
    found = [*gpu_step.measured(tiny_settings(), gpu_step.WAYS[:1], extent, torch.device("cpu"))]
    assert [measurement.unit for measurement in found] == ["frames/s"]
    assert caplog.messages == ["gpu: fp32, batch 1 does not fit"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_cuda_device_one_line_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        assert [*gpu_step.measure()] == []
    assert caplog.messages == ["gpu: no CUDA device, nothing is measured"]

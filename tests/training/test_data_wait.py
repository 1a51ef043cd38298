"""Facts about the share of training steps that is waiting for data."""

import logging
import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from toy_training import Interrupted, Toy, ToyLearner, training

from tavce.training import checkpoint
from tavce.training.data_wait import DataWait

STEP_S, VALIDATION_S = 1.0, 50.0


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """A clock that goes on where it is told to."""
    told = SimpleNamespace(now_s=7.0)
    monkeypatch.setattr("tavce.training.data_wait.time", SimpleNamespace(perf_counter=lambda: told.now_s))
    return told


def take_steps(wait: DataWait, clock: SimpleNamespace, waits_s: list[float]) -> None:
    """Take steps of a second, whose batches come after those waits, and validate after each."""

    def batches() -> Iterator[float]:
        for wait_s in waits_s:
            clock.now_s += wait_s
            yield wait_s

    for _ in wait.over(batches()):
        clock.now_s += STEP_S
        wait.step_taken()
        clock.now_s += VALIDATION_S


def test_the_share_is_of_waits_and_steps_without_the_first_ones_and_without_what_is_between(clock):
    wait = DataWait()
    take_steps(wait, clock, [30, 1, 3, 0])
    assert wait.seconds == (4, 4 + 3 * STEP_S)
    assert wait.share() == 0.5714


def test_an_epoch_s_share_is_of_its_own_steps(clock):
    wait = DataWait()
    take_steps(wait, clock, [30, 0, 0])
    assert wait.epoch() == "waited for data 0.0%"
    take_steps(wait, clock, [1, 3])
    assert wait.epoch() == "waited for data 66.7%"
    assert wait.share() == 0.5


def test_the_first_step_alone_says_nothing(clock):
    wait = DataWait()
    take_steps(wait, clock, [30])
    assert wait.share() is None
    assert wait.epoch() == "too short to say how long it waited for data"


def test_it_goes_on_from_what_a_checkpoint_had():
    wait = DataWait(*DataWait(3.0, 4.0).seconds)
    assert wait.share() == 0.75
    assert wait.epoch().startswith("too short")


def test_a_run_tells_it_with_every_validation_and_at_its_end_and_not_among_what_is_logged(tmp_path, caplog):
    toy = Toy(tmp_path)
    with caplog.at_level(logging.INFO):
        toy.run()
    assert len(re.findall(r"step \d+: score .*; waited for data \d+\.\d%", caplog.text)) == 3
    assert 0 < toy.data_wait < 1
    assert not any("wait" in name for line in toy.notebook.lines for name in line)


def test_a_run_that_went_on_tells_of_all_its_steps(tmp_path):
    toy = Toy(tmp_path, training(), Interrupted(at=6))
    with pytest.raises(SystemExit):
        toy.run()
    waited_s, spent_s = checkpoint.load(tmp_path / "last.ckpt")["data_wait"]
    toy.learner = ToyLearner()
    toy.run()
    ended = checkpoint.load(tmp_path / "last.ckpt")["data_wait"]
    assert 0 < waited_s < spent_s < ended[1]
    assert toy.data_wait == round(ended[0] / ended[1], 4)

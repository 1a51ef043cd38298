"""Facts about patience: a run without a better validation for so many epochs ends early, and the same way each time."""

import logging

import pytest
from toy_training import Interrupted, Toy, ToyLearner, training

SCORES = [5.0, 3.0, 4.0, 3.0, 3.5, 1.0, 0.5]  # the second is the best until the sixth


def impatient(folder, patience: int | None, learner: ToyLearner) -> Toy:
    return Toy(folder, training(epochs=7, patience=patience), learner)


@pytest.mark.parametrize(
    ("patience", "steps", "best"), [(1, 12, 8), (2, 16, 8), (3, 20, 8), (4, 28, 28), (None, 28, 28)]
)
def test_a_run_ends_after_so_many_epochs_without_a_better_validation(tmp_path, patience, steps, best):
    toy = impatient(tmp_path, patience, ToyLearner(scores=[*SCORES]))
    numbers = toy.run()
    assert (numbers["steps"], numbers["step"], toy.learner.trained) == (steps, best, steps)
    assert numbers["score"] == min(SCORES[: steps // 4])


def test_it_says_so(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        impatient(tmp_path, 2, ToyLearner(scores=[*SCORES])).run()
    assert "ended at step 16 of 28: no better validation in 2" in caplog.text


@pytest.mark.parametrize("at", [7, 11, 15, 16])
def test_a_run_that_was_stopped_ends_at_the_same_step_with_the_same_weights(tmp_path, at):
    whole = impatient(tmp_path / "whole", 2, ToyLearner(scores=[*SCORES]))
    stopped = impatient(tmp_path / "stopped", 2, Interrupted(scores=[*SCORES], at=at))
    with pytest.raises(SystemExit):
        stopped.run()
    stopped.learner = ToyLearner(scores=SCORES[at // 4 :])
    assert stopped.run() == whole.run()
    assert stopped.learner.trained == 16 - at
    assert stopped.weight == whole.weight
    assert stopped.notebook.lines == whole.notebook.lines


def test_a_run_that_ended_early_trains_no_more_when_started_again(tmp_path):
    toy = impatient(tmp_path, 2, ToyLearner(scores=[*SCORES]))
    numbers = toy.run()
    toy.learner = ToyLearner()
    assert toy.run() == numbers
    assert toy.learner.trained == 0

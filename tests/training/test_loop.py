"""Facts about the training loop: schedule, best, resume, ends."""

import json
import signal
from pathlib import Path

import pytest
import torch
from toy_training import Interrupted, Notebook, Toy, ToyLearner, training

from tavce.records import InputError
from tavce.training import checkpoint
from tavce.training.job import Pictures
from tavce.training.schedule import step_seed, steps_per_epoch


def interrupted(folder, at: int = 6, number: signal.Signals = signal.SIGTERM, **changes: object) -> Toy:
    """Run the toy until a signal stops it; return it, to be run again."""
    toy = Toy(folder, training(**changes), Interrupted(at=at, number=number))
    with pytest.raises(SystemExit) as stopped:
        toy.run()
    assert stopped.value.code == 143
    toy.learner = ToyLearner()
    return toy


@pytest.mark.parametrize(("clips", "ranks", "steps"), [(4, 1, 4), (4, 2, 2), (5, 1, 5), (5, 3, 2), (1, 1, 1)])
def test_an_epoch_has_the_steps_in_which_every_clip_is_drawn_as_often_as_asked(clips, ranks, steps):
    assert steps_per_epoch(training(repeats=4, batch=4), clips, ranks) == steps


def test_the_toy_learns_the_mean_of_its_numbers(tmp_path):
    toy = Toy(tmp_path, training(epochs=40, decay_every=100))
    toy.run()
    assert toy.weight == pytest.approx(1.55, abs=0.2)


def test_the_learning_rate_falls_by_the_factor_every_so_many_epochs(tmp_path):
    toy = Toy(tmp_path, training(epochs=5, decay_every=2, decay=0.1))
    toy.run()
    assert toy.learner.rates == pytest.approx([0.1] * 8 + [0.01] * 8 + [0.001] * 4)


def test_the_learning_rate_goes_on_falling_after_a_restart(tmp_path):
    toy = interrupted(tmp_path, at=10, epochs=5, decay_every=2, decay=0.1)
    toy.run()
    assert toy.learner.rates == pytest.approx([0.01] * 6 + [0.001] * 4)


def test_the_best_is_where_the_criterion_was_lowest(tmp_path):
    toy = Toy(tmp_path, learner=ToyLearner(scores=[3.0, 1.0, 2.0]))
    numbers = toy.run()
    assert numbers == {"score": 1.0, "step": 8, "steps": 12}
    assert checkpoint.load(tmp_path / "best.pt")["step"] == 8
    assert checkpoint.load(tmp_path / "last.ckpt")["step"] == 12


def test_a_best_from_before_the_interruption_stays_the_best(tmp_path):
    toy = Toy(tmp_path, training(), Interrupted(scores=[1.0]))
    with pytest.raises(SystemExit):
        toy.run()
    toy.learner = ToyLearner(scores=[2.0, 3.0])
    assert toy.run() == {"score": 1.0, "step": 4, "steps": 12}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    first, second, other = Toy(tmp_path / "a"), Toy(tmp_path / "b"), Toy(tmp_path / "c", training(seed=4))
    for toy in (first, second, other):
        toy.run()
    assert first.weight == second.weight
    assert first.notebook.lines == second.notebook.lines
    assert first.weight != other.weight


def test_every_step_and_rank_of_every_seed_has_randomness_of_its_own():
    seeds = {step_seed(seed, step, rank) for seed in range(3) for step in range(50) for rank in range(4)}
    assert len(seeds) == 3 * 50 * 4
    assert step_seed(2024, 0, 0) == step_seed(2024, 0, 0)


def test_loader_processes_do_not_change_the_weights(tmp_path):
    alone, helped = Toy(tmp_path / "a"), Toy(tmp_path / "b", training(workers=2))
    alone.run()
    helped.run()
    assert alone.weight == helped.weight


@pytest.mark.parametrize(
    ("number", "changes"), [(signal.SIGTERM, {}), (signal.SIGUSR1, {"batch": 2, "accumulate": 2, "ema": 0.8})]
)
@pytest.mark.parametrize("at", [1, 4, 6, 12])
def test_a_run_stopped_by_a_signal_and_started_again_ends_like_one_that_was_not(tmp_path, at, number, changes):
    whole, stopped = (
        Toy(tmp_path / "whole", training(**changes)),
        interrupted(tmp_path / "stopped", at, number, **changes),
    )
    assert checkpoint.load(tmp_path / "stopped/last.ckpt")["step"] == at
    assert stopped.run() == whole.run()
    assert stopped.learner.trained == 12 - at
    assert stopped.weight == whole.weight
    assert stopped.notebook.lines == whole.notebook.lines
    ends = [torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("whole", "stopped")]
    for name in ("optimisers", "networks", "average"):
        torch.testing.assert_close(ends[0][name], ends[1][name], atol=0, rtol=0)
    best = [checkpoint.load(tmp_path / name / "best.pt")["networks"] for name in ("whole", "stopped")]
    torch.testing.assert_close(*best, atol=0, rtol=0)


def test_signals_mean_again_after_training_what_they_meant_before(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    Toy(tmp_path / "whole").run()
    interrupted(tmp_path / "stopped")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_finished_run_started_again_trains_no_more(tmp_path):
    toy = Toy(tmp_path)
    numbers = toy.run()
    toy.learner = ToyLearner()
    assert toy.run() == numbers
    assert toy.learner.trained == 0


@pytest.mark.parametrize("changes", [{"rate": 0.5}, {"epochs": 4}])
def test_other_settings_keep_the_checkpoint_aside_and_start_anew(tmp_path, changes):
    interrupted(tmp_path)
    identity = checkpoint.load(tmp_path / "last.ckpt")["identity"]
    other = Toy(tmp_path, training(**changes))
    other.run()
    assert other.learner.trained == 4 * other.training.epochs
    aside = checkpoint.load(tmp_path / f"last.{identity}.ckpt")
    assert (aside["identity"], aside["step"]) == (identity, 6)


@pytest.mark.parametrize("changes", [{"data": "other data"}, {"version": 2}])
def test_other_data_and_another_version_of_the_stage_start_anew(tmp_path, changes):
    interrupted(tmp_path)
    other = Toy(tmp_path, **changes)
    other.run()
    assert other.learner.trained == 12


def test_a_loss_that_is_not_finite_ends_the_run_with_step_and_name(tmp_path):
    with pytest.raises(FloatingPointError, match="step 5: loss is not finite: lower the learning rate"):
        Toy(tmp_path, learner=ToyLearner(breaks_at=5)).run()


def test_a_validation_that_is_not_finite_ends_the_run(tmp_path):
    with pytest.raises(FloatingPointError, match="step 4: val_score is not finite"):
        Toy(tmp_path, learner=ToyLearner(scores=[float("inf")])).run()
    assert not (tmp_path / "best.ckpt").exists()


def test_the_log_has_the_first_step_every_so_manieth_and_every_validation(tmp_path):
    toy = Toy(tmp_path, training(log_every=5))
    toy.run()
    steps = [(line["step"], "val_score" in line) for line in toy.notebook.lines]
    assert steps == [(1, False), (4, True), (5, False), (8, True), (10, False), (12, True)]
    assert toy.notebook.flushes == 3


def test_pictures_are_of_the_networks_as_they_are_used_and_disturb_nothing(tmp_path):
    """They are drawn in evaluation mode with averaged weights, and sent at once."""
    drawn, changes = {}, {"ema": 0.8, "checkpoint_every": 5}

    def draw(path: Path) -> None:
        weight = toy.learner.networks["weight"]
        drawn[path.name] = (weight.training, float(weight.module.value), torch.is_grad_enabled())
        torch.manual_seed(0)

    toy = Toy(tmp_path, training(**changes), pictures=Pictures(5, draw))
    plain = Toy(tmp_path / "plain", training(**changes))
    assert toy.run() == plain.run()
    assert toy.weight == plain.weight
    assert drawn.keys() == {"step_000005.png", "step_000010.png"}
    assert all(state[::2] == (False, False) for state in drawn.values())
    averages = toy.learner.averages(0.8)
    assert [state[1] for state in drawn.values()] == pytest.approx([averages[5], averages[10]], rel=1e-6)
    assert toy.notebook.flushes == plain.notebook.flushes + 2


def test_a_last_checkpoint_that_is_cut_off_is_refused(tmp_path):
    interrupted(tmp_path)
    (tmp_path / "last.ckpt").write_bytes((tmp_path / "last.ckpt").read_bytes()[:100])
    with pytest.raises(InputError, match=r"last\.ckpt cannot be read"):
        Toy(tmp_path).run()


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    torch.save({"learner": Notebook()}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match=r"evil\.pt cannot be read"):
        checkpoint.load(tmp_path / "evil.pt")


def test_a_checkpoint_knows_its_stage_and_settings(tmp_path):
    Toy(tmp_path).run()
    assert checkpoint.stage(tmp_path / "best.pt") == "toy"
    section = json.loads(checkpoint.load(tmp_path / "best.pt")["settings"])["toy"]
    assert type(training()).model_validate(section) == training()

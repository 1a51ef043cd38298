"""Facts about training by several processes, started as `srun` starts them: together they are as one."""

import os
import signal
import time
import warnings

import pytest
import torch
from job_step import ends, logs, start, variables
from toy_rank import Ended, command, run
from toy_training import Numbers, Toy, ToyLearner, training

from tavce.records import InputError
from tavce.training import checkpoint, ranks
from tavce.training.loop import fabric

pytestmark = pytest.mark.slow

TOLD = 5  # the step in which a rank is told to stop


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Ended:
    """Two ranks with two draws a step each."""
    return run(tmp_path_factory.mktemp("undisturbed"), changes={"batch": 2})


def values(lines: list[dict[str, float]], name: str) -> list[float]:
    return [line[name] for line in lines if name in line]


def test_two_ranks_with_half_the_draws_each_in_two_batches_learn_what_one_learns_with_all_in_one(tmp_path):
    two = run(tmp_path, changes={"batch": 1, "accumulate": 2}, noise=0)
    one = Toy(tmp_path / "one", training(batch=4), ToyLearner(noise=0))
    one.run()
    assert two.statuses == [0, 0]
    assert two.ranks[0]["weight"] == pytest.approx(one.weight, rel=1e-5)
    assert two.ranks[0]["rates"][::2] == one.learner.rates
    losses = [values(lines, "loss") for lines in (two.ranks[0]["lines"], one.notebook.lines)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert len(losses[0]) == 12


def test_ranks_end_with_the_same_weights_though_each_has_noise_and_draws_of_its_own(undisturbed):
    first, second = undisturbed.ranks
    assert undisturbed.statuses == [0, 0]
    assert first["weight"] == second["weight"] != 0
    assert first["optimiser"] == second["optimiser"]
    assert first["numbers"] == second["numbers"]


def test_only_the_first_rank_logs_and_speaks(undisturbed):
    first, second = undisturbed.ranks
    assert (len(first["lines"]), first["flushes"]) == (12 + 3, 3)
    assert (second["lines"], second["flushes"]) == ([], 0)
    assert undisturbed.logs[0].count("best at step") == 1
    assert undisturbed.logs[1].strip() == ""


@pytest.mark.parametrize(("rank", "number"), [(1, signal.SIGTERM), pytest.param(0, signal.SIGUSR1)])
def test_one_rank_is_told_to_stop_and_all_do_and_go_on_as_if_nothing_had_been(tmp_path, undisturbed, rank, number):
    stopped = run(tmp_path, changes={"batch": 2}, told={rank: (TOLD, number)})
    assert stopped.statuses == [143, 143]
    assert [end["trained"] for end in stopped.ranks] == [TOLD, TOLD]
    assert checkpoint.load(tmp_path / "last.ckpt")["step"] == TOLD
    again = run(tmp_path, changes={"batch": 2})
    assert again.statuses == [0, 0]
    assert [end["trained"] for end in again.ranks] == [12 - TOLD, 12 - TOLD]
    for name in ("weight", "optimiser", "numbers"):
        assert [end[name] for end in again.ranks] == [end[name] for end in undisturbed.ranks]
    assert stopped.ranks[0]["lines"] + again.ranks[0]["lines"] == undisturbed.ranks[0]["lines"]
    assert again.logs[0].count(f"stopped at step {TOLD} of 12") == 1


def test_four_ranks_on_two_nodes_are_told_to_stop_by_one_and_end_with_the_same_weights(tmp_path):
    ended = run(tmp_path, (2, 2), changes={"batch": 1}, told={2: (TOLD, signal.SIGTERM)})
    assert ended.statuses == [143] * 4
    ended = run(tmp_path, (2, 2), changes={"batch": 1})
    assert ended.statuses == [0] * 4
    assert len({end["weight"] for end in ended.ranks}) == 1
    assert values(ended.ranks[0]["lines"], "step")[-1] == ended.ranks[0]["numbers"]["steps"] == 12


def test_three_ranks_on_uneven_nodes_end_with_the_same_weights(tmp_path):
    ended = run(tmp_path, (2, 1), changes={"batch": 1})
    assert ended.statuses == [0] * 3
    assert len({end["weight"] for end in ended.ranks}) == 1
    assert ended.ranks[0]["numbers"]["steps"] == 18


@pytest.mark.parametrize(
    ("before", "after", "rates"),
    [(1, 2, [0.1] * 1 + [0.05] * 4 + [0.025] * 4), (2, 1, [0.05] * 4 + [0.025] * 8)],
)
def test_another_number_of_ranks_goes_on_at_the_same_draw_in_the_same_epoch(tmp_path, before, after, rates):
    """One rank's epoch has 8 steps of 2 draws, that of two ranks 4; both stop after 6 steps."""
    assert run(tmp_path, (before,), changes={"batch": 2}, told={0: (6, signal.SIGTERM)}).statuses == [143] * before
    went_on = run(tmp_path, (after,), changes={"batch": 2})
    assert went_on.statuses == [0] * after
    first = went_on.ranks[0]
    assert first["rates"] == pytest.approx(rates)
    assert {line["step"] for line in first["lines"]} == {*range(7, 7 + len(rates))}
    assert first["numbers"]["steps"] == 6 + len(rates)
    steps = zip(*(end["seen"] for end in went_on.ranks), strict=True)
    draws = Numbers(4)
    expected = [float(draws[draw]["number"]) for draw in range(6 * 2 * before, 48)]
    assert [number for shares in steps for share in shares for number in share] == expected
    assert len({end["weight"] for end in went_on.ranks}) == 1


def test_a_run_that_two_ranks_have_finished_is_finished_for_one(tmp_path):
    """Two ranks take 3 steps of 6 draws an epoch for 16 draws, one takes 6 of 3."""
    assert run(tmp_path, (2,), changes={"batch": 3}).statuses == [0, 0]
    again = run(tmp_path, (1,), changes={"batch": 3}).ranks[0]
    assert (again["trained"], again["numbers"]["steps"]) == (0, 9)


def test_a_checkpoint_from_before_there_were_ranks_is_one_rank_s(tmp_path):
    toy = Toy(tmp_path)
    toy.run()
    state = checkpoint.load(tmp_path / "last.ckpt")
    assert state.pop("draws") == 12 * 4
    checkpoint.save(tmp_path / "last.ckpt", {**state, "step": 8})
    toy.learner = ToyLearner()
    toy.run()
    assert toy.learner.trained == 4


def test_a_loss_that_is_not_finite_on_one_rank_ends_all_with_the_same_words(tmp_path):
    ended = run(tmp_path, changes={"batch": 2}, breaks={1: 3})
    assert ended.statuses == [1, 1]
    for said in ended.logs:
        assert "step 3: loss is not finite: lower the learning rate" in said
    assert [end["trained"] for end in ended.ranks] == [3, 3]


def test_a_gradient_that_is_not_finite_on_one_rank_ends_all_before_the_step_with_the_same_words(tmp_path):
    ended = run(tmp_path, changes={"batch": 2}, explodes={1: 6})
    assert ended.statuses == [1, 1]
    for said in ended.logs:
        assert "step 6: the gradient of weight.value is not finite, so the step was not taken: lower" in said
    assert [end["trained"] for end in ended.ranks] == [5, 5]
    assert ended.ranks[0]["weight"] == ended.ranks[1]["weight"] != 0
    assert checkpoint.load(tmp_path / "last.ckpt")["step"] == 4


def test_ranks_lose_patience_together(tmp_path):
    ended = run(tmp_path, changes={"batch": 2, "epochs": 5, "patience": 1}, scores=[3.0, 1.0, 2.0])
    assert ended.statuses == [0, 0]
    assert [end["trained"] for end in ended.ranks] == [12, 12]
    assert [end["numbers"]["step"] for end in ended.ranks] == [8, 8]
    assert "ended at step 12 of 20: no better validation in 1" in ended.logs[0]


def test_a_rank_that_is_killed_leaves_none_waiting(tmp_path):
    ended = run(tmp_path, changes={"batch": 2}, told={1: (TOLD, signal.SIGKILL)})
    assert ended.statuses == [1, -signal.SIGKILL]
    assert checkpoint.load(tmp_path / "last.ckpt")["step"] == 4


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_to_a_whole_job_stops_it_cleanly_although_its_loader_processes_get_it_too(tmp_path, number):
    (process,) = start(command(changes={"workers": 2, "epochs": 10_000}), tmp_path, (1,))
    until = time.monotonic() + 120
    while not (tmp_path / "last.ckpt").exists() and time.monotonic() < until:
        time.sleep(0.1)
    os.killpg(process.pid, number)
    assert ends([process]) == [143]
    assert f"stopped at step {checkpoint.load(tmp_path / 'last.ckpt')['step']} of 40000" in logs(tmp_path, 1)[0]


def told(monkeypatch, environment: dict[str, str]) -> None:
    """Give this process the environment of a task."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_outside_slurm_there_is_one_rank_and_no_word_about_srun():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        engine = fabric(training())
    assert (engine.world_size, engine.global_rank) == (1, 0)
    assert ranks.alone()
    assert ranks.is_first()


def test_a_batch_script_without_srun_has_one_rank_whatever_the_job_asked_for(monkeypatch):
    job = {name: value for name, value in variables(0, (2, 2)).items() if "STEP" not in name}
    told(monkeypatch, job)
    assert job["SLURM_NTASKS"] == "4"
    assert fabric(training()).world_size == 1


def test_a_step_of_one_task_in_a_job_of_several_has_one_rank(monkeypatch):
    told(monkeypatch, {**variables(0, (2, 2)), **{"SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_NUM_NODES": "1"}})
    assert fabric(training()).world_size == 1


def test_a_task_knows_its_rank_and_where_the_first_one_listens(monkeypatch):
    told(monkeypatch, {**variables(3, (2, 1, 2), job=98765), "SLURM_STEP_NODELIST": "gpu[07-09]", "SLURM_STEP_ID": "2"})
    environment = ranks.TaskEnvironment()
    assert (environment.global_rank(), environment.world_size()) == (3, 5)
    assert (environment.main_address, environment.main_port) == ("gpu07", 15000 + 765)
    told(monkeypatch, {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"})
    assert (environment.main_address, environment.main_port) == ("10.0.0.1", 29500)


@pytest.mark.parametrize(("visible", "devices"), [(0, 1), (1, [0]), (2, [1]), (8, [1])])
def test_a_task_takes_the_gpu_of_its_number_or_the_only_one_it_sees(monkeypatch, visible, devices):
    told(monkeypatch, variables(3, (2, 2)))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: visible)
    assert ranks.placement()["devices"] == devices


def test_more_tasks_on_a_node_than_gpus_are_refused(monkeypatch):
    told(monkeypatch, variables(2, (3,)))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="SLURM_LOCALID is 2, but this node has 2 GPUs for the job: start one task a"):
        fabric(training())

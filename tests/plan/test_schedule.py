"""Facts about the time a run takes, on tables small enough to be computed by hand."""

import pytest

from tavce.plan.jobs import Group
from tavce.plan.prices import Price
from tavce.plan.schedule import critical_path, wall_s
from tavce.records import InputError


def group(rule: str, seconds: float | None, **more: object) -> Group:
    return Group(rule, "", Price(seconds), **more)


TABLE = [
    group("cut", 10, jobs=4),
    group("look", 5, jobs=4, each=("cut", "")),
    group("listen", 2, jobs=4, each=("cut", "")),
    group("fit", 7, needs=(("look", ""),)),
    group("move", 1, jobs=4, needs=(("fit", ""),), each=("look", "")),
    group("list", 3, needs=(("listen", ""), ("move", ""))),
    group("train", 100, needs=(("list", ""),), cores=2, gpus=1),
]


def test_the_critical_path_is_the_chain_that_takes_longest():
    path = critical_path(TABLE)
    assert [group.rule for group in path.groups] == ["cut", "look", "fit", "move", "list", "train"]
    assert path.wall_s == 10 + 5 + 7 + 1 + 3 + 100


def test_on_many_cores_a_run_takes_as_long_as_its_critical_path():
    assert wall_s(TABLE, 8, 1) == 126


def test_on_two_cores_jobs_wait_for_each_other():
    # to 10 cut cut, to 15 look look, to 25 cut cut, to 30 look look; to 37 fit, beside it listen ×4 to 38;
    # move from 37 to 38, two from 38 to 39, one from 39 to 40; to 43 list; to 143 train
    assert wall_s(TABLE, 2, 1) == 143


def test_on_one_core_a_run_takes_the_sum_of_its_jobs():
    assert wall_s(TABLE[:-1], 1, 0) == 4 * (10 + 5 + 2 + 1) + 7 + 3


def test_trainings_wait_for_a_gpu():
    trainings = [Group("train", name, Price(60), gpus=1) for name in ("one", "two", "three")]
    assert [wall_s(trainings, 8, gpus) for gpus in (1, 2, 3)] == [180, 120, 60]


def test_what_nobody_knows_counts_as_nothing():
    groups = [group("cut", 10), group("train", None, needs=(("cut", ""),)), group("score", 1, needs=(("train", ""),))]
    assert critical_path(groups).wall_s == 11
    assert wall_s(groups, 1, 0) == 11


@pytest.mark.parametrize(("cores", "gpus"), [(1, 1), (2, 0), (0, 0)])
def test_a_job_that_no_machine_can_hold_is_named(cores, gpus):
    with pytest.raises(InputError, match=r"a job of \w+ takes .*: raise --cores or --gpus"):
        wall_s(TABLE, cores, gpus)

"""Facts about the real commands of the learning stages, by two tasks of a step: one run, one set of files."""

import signal
from collections.abc import Callable

import pytest
import torch
from job_step import logs
from stage_pair import Pair
from tiny_runs import LEARNING, workplace

from tavce.files import read_json
from tavce.generator.coefficients import load_audio2exp, load_audio2pose
from tavce.generator.model import load_renderer
from tavce.metric.model import load_metric

pytestmark = pytest.mark.slow
LOADERS = {"metric": load_metric, "audio2exp": load_audio2exp, "audio2pose": load_audio2pose, "renderer": load_renderer}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked", "gain")  # the first rank's, which validates


@pytest.fixture(scope="module")
def make(tmp_path_factory, tiny, mlflow_template, trained) -> Callable[[str], Pair]:
    """Return a maker of workplaces in which two ranks take 8 steps of a stage."""
    half = {"training": {"batch": 2}}
    changes = {"metrics": {"paper": half}, "audio2exp": half, "audio2pose": half}
    changes["renderers"] = {"ours": {"training": {"batch": 1}}}  # and two batches a step

    def made(stage: str) -> Pair:
        folder = tmp_path_factory.mktemp(stage)
        return Pair(stage, workplace(folder, tiny, mlflow_template, trained.best("metric"), **changes))

    return made


@pytest.fixture(scope="module", params=LEARNING)
def undisturbed(request, make) -> Pair:
    pair = make(request.param)
    assert pair.run() == [0, 0]
    return pair


def test_two_ranks_write_one_run_with_the_files_of_one(undisturbed, trained):
    out = undisturbed.place.out(undisturbed.stage)
    assert {path.name for path in out.iterdir()} == {path.name for path in trained.out(undisturbed.stage).iterdir()}
    run = read_json(out / "run.json")
    assert run["metrics"].keys() == read_json(trained.out(undisturbed.stage) / "run.json")["metrics"].keys()
    assert run["metrics"]["steps"] == 8
    assert run["mlflow_run_id"] is not None
    steps = [line["step"] for line in undisturbed.place.history(undisturbed.stage) if "loss" in line]
    assert steps == [*range(1, 9)]


def test_only_the_first_rank_speaks(undisturbed):
    first, second = logs(undisturbed.place.folder)
    assert first.count("best at step") == 1
    assert second == ""


def test_both_ranks_end_with_the_same_weights_but_for_statistics(undisturbed):
    first, second = undisturbed.left(0), undisturbed.left(1)
    assert first.keys() == second.keys()
    for name, weights in first.items():
        learnt = {key: value for key, value in weights.items() if not key.endswith(STATISTICS)}
        theirs = {key: second[name][key] for key in learnt}
        torch.testing.assert_close(learnt, theirs, atol=0, rtol=0)


def test_what_two_ranks_saved_loads_where_one_rank_s_does(undisturbed, trained):
    stage = undisturbed.stage
    two, one = undisturbed.place.networks(stage), trained.networks(stage)
    assert {name: weights.keys() for name, weights in two.items()} == {k: weights.keys() for k, weights in one.items()}
    LOADERS[stage](undisturbed.place.best(stage))


@pytest.mark.parametrize("undisturbed", ["metric", "renderer"], indirect=True)
def test_one_rank_s_signal_stops_both_and_the_same_command_ends_like_an_undisturbed_one(make, undisturbed):
    stage = undisturbed.stage
    pair = make(stage)
    assert pair.run(told=f"1 3 {int(signal.SIGUSR1)}") == [143, 143]
    assert pair.run() == [0, 0]
    assert "stopped at step 3 of 8" in logs(pair.place.folder)[0]
    assert "resumed at step 3" in logs(pair.place.folder)[0]
    torch.testing.assert_close(pair.left(0), undisturbed.left(0), atol=0, rtol=0)
    torch.testing.assert_close(pair.place.networks(stage), undisturbed.place.networks(stage), atol=0, rtol=0)
    assert pair.place.history(stage) == undisturbed.place.history(stage)


def test_one_rank_goes_on_where_two_were_stopped(make):
    """Two ranks take 4 draws a step, one takes 2: after 3 steps of 8, ten of 16 are left."""
    pair = make("renderer")
    assert pair.run(told=f"0 3 {int(signal.SIGTERM)}") == [143, 143]
    assert pair.run(tasks=1) == [0]
    assert [line["step"] for line in pair.place.history("renderer") if "loss" in line] == [*range(1, 14)]
    assert read_json(pair.place.out("renderer") / "run.json")["metrics"]["steps"] == 13

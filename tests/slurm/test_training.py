"""Facts about training on a real cluster: several ranks, a warned job that queues itself again, and a full scratch."""

import json
import math
import subprocess
from pathlib import Path

import pytest
import torch
from place import LEARNING, SITE, Place, eventually

RUN = "results/audio2exp/run.json"
EPOCHS = 2  # of short.yaml
LONGER = 'audio2exp={"training": {"epochs": 3, "repeats": 50}}'


@pytest.fixture
def untrained(place):
    """A place where the expression network is to be trained again."""
    for name in ("run.json", "best.pt", "history.jsonl", "last.ckpt", "best.ckpt", "log.jsonl"):
        (place.folder / RUN).with_name(name).unlink(missing_ok=True)
    return place


def weights(place: Place) -> dict[str, torch.Tensor]:
    """Return the trained weights by name."""
    state = torch.load((place.folder / RUN).with_name("best.pt"), weights_only=True)
    return {f"{part} {name}": value for part, network in state["networks"].items() for name, value in network.items()}


def steps(place: Place) -> int:
    """Return the steps that the training took."""
    return json.loads((place.folder / RUN).read_text())["metrics"]["steps"]


def learning(place: Place) -> str:
    """Wait until the training has taken a step; return its job."""
    lines = (place.folder / RUN).with_name("log.jsonl")
    eventually(place, lambda: lines.is_file() and lines.read_text().count("\n") > 1, "a step")
    return place.submitted()[-1]


def test_a_training_that_is_warned_saves_queues_itself_again_and_ends_as_if_undisturbed(untrained, cluster, tmp_path):
    quiet = untrained.copy(tmp_path / "quiet")
    process, other = (place.start(RUN, "--config", LONGER) for place in (untrained, quiet))
    job = learning(untrained)
    cluster.run("scancel", "--signal=USR1", job)
    eventually(untrained, lambda: process.poll() is not None, "the end", 300)
    assert process.returncode == 0, untrained.said[-6000:]
    assert other.wait(timeout=300) == 0, quiet.said[-6000:]
    log = (untrained.folder / "logs/audio2exp.log").read_text()
    assert "resumed at step" in log
    assert untrained.submitted() == [job]
    assert untrained.states() == {job: "COMPLETED"}
    before, after = weights(quiet), weights(untrained)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_training_that_is_preempted_saves_and_goes_on_when_it_has_its_nodes_again(untrained, cluster):
    process = untrained.start(RUN, "--config", LONGER)
    job = learning(untrained)
    urgent = ["-p", "urgent", "--nodes=2", "--exclusive", "-t", "1", "-o", "/dev/null", "--wrap", "sleep 3"]
    cluster.run("sbatch", *urgent)
    eventually(untrained, lambda: process.poll() is not None, "the end", 300)
    assert process.returncode == 0, untrained.said[-6000:]
    assert "resumed at step" in (untrained.folder / "logs/audio2exp.log").read_text()
    assert untrained.submitted() == [job]
    assert untrained.states() == {job: "COMPLETED"}


def test_training_runs_on_two_nodes_with_two_tasks_each_and_reads_from_scratch(
    untrained, undisturbed, cluster, tmp_path
):
    (tmp_path / "gpu").mkdir()
    rules = {**SITE["rules"], "train_audio2exp": {**LEARNING, "gpus": 2, "nodes": 2, "threads": 2}}
    untrained.configure(rules=rules, scratch=str(tmp_path / "$SLURM_JOB_PARTITION"))
    untrained.run(RUN, MASTER_ADDR="127.0.0.1")  # no name service knows these nodes
    (job,) = untrained.submitted()
    nodes, tres = cluster.jobs_of(job, "NodeList", "AllocTRES%80")
    assert nodes == "g[1-2]"
    assert "gres/gpu=4" in tres
    steps = cluster.run("sacct", "-n", "-P", "-j", job, "--format=JobID,NTasks,NNodes").splitlines()
    assert f"{job}.0|4|2" in steps
    together, alone = (
        json.loads((place.folder / RUN).read_text())["metrics"]["steps"] for place in (untrained, undisturbed)
    )
    assert together == EPOCHS * math.ceil(alone / EPOCHS / 4)  # four ranks share a rank's draws


def test_a_full_scratch_costs_a_warning_and_no_job(untrained, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        untrained.run(RUN, TAVCE_SCRATCH=str(disk))
        assert list(Path(disk).iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
    log = (untrained.folder / "logs/audio2exp.log").read_text()
    assert f"scratch {disk}" in log
    assert "shards are read from where they lie" in log

"""Facts about `make slurm-check` where no cluster is needed: what is said of a node's answer, and what a node sees."""

import os
from pathlib import Path

import pytest
import torch

from tavce.cli import main
from tavce.cluster import check, probe

SEEN = {"host": "c7", "libraries": True, "lock": True, "scratch": None, "internet": True, "gpu": None}


def said(**seen) -> list[str]:
    """Return the lines on a node's answer."""
    return [str(finding) for finding in check.judge("batch", {**SEEN, **seen})]


def test_off_a_cluster_it_says_where_to_run_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["slurm_check"])
    assert ended.value.code == 1
    assert (
        "BAD  sbatch, squeue, scontrol, sinfo, scancel not found: run this on a login node" in capsys.readouterr().out
    )


def test_what_works_on_a_node_is_said_and_what_was_not_asked_for_is_not():
    assert [line.split(": ")[1] for line in said()[1:]] == ["libraries", "lock", "internet"]
    assert all(line.startswith("ok ") for line in said())


@pytest.mark.parametrize(
    ("what", "worth", "remedy"),
    [
        ("libraries", "BAD", "put it on shared storage"),
        ("lock", "BAD", "HDF5_USE_FILE_LOCKING"),
        ("gpu", "BAD", "install a CUDA build of torch"),
        ("scratch", "note", "correct `scratch`"),
        ("internet", "note", "rules.download.slurm_partition"),
    ],
)
def test_what_does_not_work_on_a_node_is_said_with_the_reason_and_the_remedy(what, worth, remedy):
    (line,) = [line for line in said(**{what: "OSError: because"}) if "because" in line]
    assert line.startswith(worth)
    assert remedy in line


def test_a_node_s_answer_is_what_it_can_do(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCAL_DISK", str(tmp_path / "disk"))
    seen = probe.look("$LOCAL_DISK/tavce", gpu=False)
    assert (seen["libraries"], seen["lock"], seen["scratch"], seen["gpu"]) == (True, True, True, None)
    assert [path.name for path in tmp_path.rglob("*")] == ["disk", "tavce"]


def test_a_scratch_that_cannot_be_made_is_said_to_be(tmp_path):
    (tmp_path / "file").touch()
    assert probe.look(str(tmp_path / "file" / "below"), gpu=False)["scratch"].startswith("NotADirectoryError")


@pytest.mark.skipif(
    not (Path("/proc/mounts").exists() and os.geteuid() == 0), reason="MOUNTING A DISK needs root on Linux"
)
def test_a_scratch_without_room_is_said_to_be(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    assert os.system(f"mount -t tmpfs -o size=1m tmpfs {disk}") == 0
    try:
        assert "less than 1 GB is free" in probe.look(str(disk), gpu=False)["scratch"]
    finally:
        assert os.system(f"umount {disk}") == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_torch_does_not_see_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "sees no GPU" in probe.look(None, gpu=True)["gpu"]


@pytest.mark.slow
def test_a_folder_without_locks_is_said_to_have_none(tmp_path, monkeypatch):
    monkeypatch.chdir("/proc")
    assert isinstance(probe.look(None, gpu=False)["lock"], str)

"""Facts about the SLURM executor where there is no SLURM; tests/slurm has the real one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from snakemake_interface_common.exceptions import WorkflowError

from tavce.cluster.executor import Executor


@pytest.fixture
def executor(monkeypatch, tmp_path) -> Executor:
    """An executor of which nothing has started, where SLURM's commands are in an empty folder."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'slurm'}:/bin:/usr/bin")
    (tmp_path / "slurm").mkdir()
    executor = object.__new__(Executor)
    executor.run_uuid = "tavce-0000-1111"
    executor._cancelled = threading.Event()
    executor._job_submission_executor = ThreadPoolExecutor(1)
    return executor


def command(tmp_path, name: str, text: str) -> None:
    """Write one of SLURM's commands."""
    path = tmp_path / "slurm" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_run_is_cancelled_by_its_name_and_what_waits_to_be_submitted_is_not(executor, tmp_path):
    command(tmp_path, "scancel", f'echo "$@" > {tmp_path}/called')
    started, submitted = threading.Event(), []
    executor._job_submission_executor.submit(lambda: (started.set(), executor._cancelled.wait(10)))
    executor._job_submission_executor.submit(submitted.append, "a job")
    started.wait(10)
    executor.cancel_jobs([])
    assert (tmp_path / "called").read_text() == "--name tavce-0000-1111\n"
    assert submitted == []


def test_where_jobs_cannot_be_cancelled_the_command_that_would_is_named(executor, tmp_path):
    command(tmp_path, "scancel", "echo controller is gone >&2; exit 1")
    with pytest.raises(WorkflowError, match=r"cancelled \(controller is gone\)\..*`scancel --name tavce-0000-1111`"):
        executor.cancel_jobs([])


def test_a_job_without_an_account_leaves_it_to_slurm(executor):
    def options(account: str | None) -> list[str]:
        return [*executor.get_account_arg(SimpleNamespace(resources={"slurm_account": account}))]

    assert options(None) == [""]
    assert options("lab 1") == [" -A 'lab 1'"]

"""Facts about asking SLURM to queue a job again, with another `scontrol`; tests/slurm has the real one."""

import logging
import signal

import pytest

from tavce.cluster.requeue import queue_again

SHOWN = "JobId=12 JobState=RUNNING PreemptEligibleTime=2026-11-24T09:19:00 PreemptTime={} Partition=gpu"


@pytest.fixture
def scontrol(monkeypatch, tmp_path):
    """Return a function that makes a `scontrol` which says what is given, and one that says how it was called."""
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    def make(says: str, status: int = 0):
        text = f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\necho "{says}"\necho "{says}" >&2\nexit {status}\n'
        (tmp_path / "scontrol").write_text(text)
        (tmp_path / "scontrol").chmod(0o755)
        return lambda: (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []

    return make


def test_outside_a_job_nothing_is_asked(scontrol, monkeypatch):
    calls = scontrol("")
    monkeypatch.delenv("SLURM_JOB_ID")
    assert queue_again(signal.SIGUSR1) is False
    assert calls() == []


def test_a_job_that_was_warned_of_its_limit_is_queued_again(scontrol):
    calls = scontrol("")
    assert queue_again(signal.SIGUSR1) is True
    assert calls() == ["requeue 12"]


@pytest.mark.parametrize(("time", "again"), [("None", False), ("2026-11-24T09:20:01", True)])
def test_a_job_that_is_ended_is_queued_again_only_where_slurm_preempts_it(scontrol, time, again):
    calls = scontrol(SHOWN.format(time))
    assert queue_again(signal.SIGTERM) is again
    assert calls() == ["show job --oneliner 12", *["requeue 12"] * again]


def test_a_refusal_is_logged_with_its_reason(scontrol, caplog):
    scontrol("Requested operation is presently disabled", status=1)
    with caplog.at_level(logging.WARNING):
        assert queue_again(signal.SIGUSR1) is False
    assert "scontrol requeue 12: Requested operation is presently disabled" in caplog.text


def test_without_scontrol_the_job_just_ends(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("PATH", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert queue_again(signal.SIGUSR1) is False
    assert "No such file" in caplog.text

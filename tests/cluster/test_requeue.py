"""Facts about asking SLURM to queue a job again, where there is no SLURM; tests/slurm has the real one."""

import logging

import pytest

from tavce.cluster.requeue import queue_again


def test_outside_a_job_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("PATH", "")
    assert queue_again() is False


@pytest.mark.parametrize(
    ("program", "reason"), [(None, "No such file"), ("#!/bin/sh\necho disabled >&2; exit 1", "disabled")]
)
def test_a_refusal_is_logged_with_its_reason(monkeypatch, tmp_path, caplog, program, reason):
    if program:
        (tmp_path / "scontrol").write_text(program)
        (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if program else str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    with caplog.at_level(logging.WARNING):
        assert queue_again() is False
    assert reason in caplog.text
    assert "12" in caplog.text

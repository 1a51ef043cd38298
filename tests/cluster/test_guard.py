"""Facts about two Snakemakes in one folder: who is named, and what to do."""

import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from tavce.cluster import guard
from tavce.cluster.guard import NOTE, Runner
from tavce.files import write_json

WAITER = "import time; from tavce.cluster import guard; guard.enter(); print('in', flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def neighbour():
    """Another process that works in the folder."""
    process = subprocess.Popen([sys.executable, "-c", WAITER], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "in\n"
    yield process
    process.kill()
    process.wait()


def test_a_lone_process_enters_and_leaves_nothing():
    assert guard.other() is None
    assert guard.enter() is None
    assert guard.other() is None
    guard.leave()
    assert not NOTE.exists()


def test_beside_a_running_one_nobody_enters_and_its_number_and_the_way_out_are_named(neighbour):
    busy = guard.enter()
    assert f"process {neighbour.pid} on {os.uname().nodename}" in busy
    assert f"`kill -INT {neighbour.pid}`" in busy
    assert "do not --unlock" in busy
    assert guard.killed() is None
    guard.leave()
    assert Runner.noted().pid == neighbour.pid


def test_a_killed_one_is_said_to_be_and_its_place_is_taken(neighbour):
    neighbour.send_signal(signal.SIGKILL)
    neighbour.wait()
    assert f"process {neighbour.pid}" in guard.killed()
    assert "--unlock" in guard.killed()
    assert guard.enter() is None
    assert Runner.noted() == Runner.me()


def test_a_process_number_that_is_used_again_is_another_process():
    write_json(NOTE, asdict(replace(Runner.me(), created=1.0)))
    assert guard.other() is None
    assert guard.killed() is not None


def test_of_another_machine_nothing_is_assumed():
    write_json(NOTE, asdict(replace(Runner.me(), host="login2")))
    assert "login2" in guard.other()
    assert str(NOTE) in guard.other()
    assert guard.killed() is None

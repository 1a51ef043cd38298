"""Facts about copies on a node's own disk: made once, never half, gone at the end, and never a reason to fail."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scratch_reader import Reader
from tiny_corpus import FRAMES, SIDE

from tavce import scratch
from tavce.dataset import Clips, Entry

TESTS = Path(__file__).parent
LOADER = """
import json, pathlib, sys
import torch
from tiny_corpus import TinyCorpus
from tavce.generator.samples import FrameDraws, FrameShape

corpus = TinyCorpus(pathlib.Path(sys.argv[1]), None)
draws = FrameDraws(corpus.entries("train"), corpus.clips(), FrameShape(32, 27, 2, 24, 32), 0)
loader = torch.utils.data.DataLoader(draws, batch_sampler=[[0, 1], [2, 3], [4, 5]], num_workers=2)
print(json.dumps([float(batch["target"].sum()) for batch in loader]))
"""


@pytest.fixture
def root(tmp_path) -> Path:
    """A node's disk."""
    (tmp_path / "node").mkdir()
    return tmp_path / "node"


@pytest.fixture
def shard(tmp_path) -> Path:
    """A shared file."""
    (tmp_path / "mine/crop").mkdir(parents=True)
    (tmp_path / "mine/crop/0003.h5").write_bytes(os.urandom(3_000_000))
    return tmp_path / "mine/crop/0003.h5"


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 1 MB."""
    (tmp_path / "small").mkdir()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path / "small")], capture_output=True, text=True
    )
    if mounting.returncode:
        pytest.skip(f"a full disk needs the right to mount one, which this user has not: {mounting.stderr.strip()}")
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


def files(root: Path) -> list[str]:
    """Return the shard files, whole or not, below a folder."""
    return sorted(path.name for path in root.rglob("*.h5"))


def read(clips: Clips, entry: Entry) -> tuple[list[np.ndarray], set[str]]:
    """Return arrays of a clip, and the files that they were read from."""
    arrays = [clips.picture(entry, FRAMES - 1, SIDE), clips.mel(entry, 7), clips.motion(entry), clips.landmarks(entry)]
    return arrays, {file.filename for file, _ in clips._reader._files.values()}


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_clips_are_the_same_from_a_copy(tiny, root, monkeypatch):
    entry = tiny.entries("train")[0]
    shared, shared_files = read(tiny.clips(), entry)
    monkeypatch.setenv("TAVCE_SCRATCH", str(root))
    near, near_files = read(tiny.clips(), entry)
    for one, other in zip(shared, near, strict=True):
        np.testing.assert_array_equal(one, other)
    assert shared_files == {entry.crop, entry.mel, entry.motion}
    assert len(near_files) == 3
    assert {Path(path).parents[1] for path in near_files} == {root}


def test_without_the_variable_a_file_is_read_where_it_lies(shard, monkeypatch):
    monkeypatch.delenv("TAVCE_SCRATCH", raising=False)
    assert scratch.local(str(shard)) == str(shard)


def test_a_file_that_is_not_there_is_not_there(root, monkeypatch):
    monkeypatch.setenv("TAVCE_SCRATCH", str(root))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        scratch.local(str(root / "nowhere.h5"))


def test_two_processes_of_a_job_read_the_shared_file_once(root, shard):
    readers = [Reader(root), Reader(root)]
    for reader in readers:
        reader.ask(shard)
    (one, read_by_one), (other, read_by_other) = (reader.answer() for reader in readers)
    assert one == other
    assert one.name.startswith("mine-crop-0003.")
    assert one.read_bytes() == shard.read_bytes()
    assert 3_000_000 <= read_by_one + read_by_other < 3_100_000
    assert readers[0].near(shard) == one
    for reader in readers:
        reader.end()


def test_the_copies_go_with_the_last_process_of_the_job(root, shard):
    first, second, other_job = Reader(root), Reader(root), Reader(root, job="78")
    assert first.near(shard) == second.near(shard) != other_job.near(shard)
    first.end()
    assert len(files(root)) == 2
    second.end()
    assert len(files(root)) == 1
    other_job.end()
    assert list(root.iterdir()) == []


def test_what_a_killed_job_left_goes_with_the_next_one_and_what_is_in_use_stays(root, shard):
    killed, alive = Reader(root, job="1"), Reader(root, job="2")
    left, used = killed.near(shard), alive.near(shard)
    killed.kill()
    assert left.exists()
    Reader(root, job="3").end()
    assert not left.parent.exists()
    assert used.exists()
    alive.end()


def test_what_a_killed_job_left_is_not_trusted_by_the_job_that_is_requeued(root, shard):
    killed = Reader(root)
    copy = killed.near(shard)
    killed.kill()
    copy.write_bytes(b"torn by a power cut")
    again = Reader(root)
    assert again.near(shard) == copy
    assert copy.read_bytes() == shard.read_bytes()
    again.end()


def test_a_changed_file_is_copied_anew(root, shard):
    reader = Reader(root)
    old = reader.near(shard)
    before = shard.read_bytes()
    shard.write_bytes(before[::-1])
    new = reader.near(shard)
    assert (old.read_bytes(), new.read_bytes()) == (before, before[::-1])
    reader.end()


def test_a_process_killed_while_it_copies_leaves_no_half_copy_behind(root, tmp_path):
    large = tmp_path / "large.h5"
    with open(large, "wb") as file:
        file.truncate(400_000_000)
    keeper, killed = Reader(root), Reader(root)
    killed.ask(large)
    wait_for(lambda: files(root))
    killed.process.send_signal(signal.SIGKILL)
    killed.process.communicate(timeout=60)
    (part,) = files(root)
    assert ".part-" in part
    near = keeper.near(large)
    assert files(root) == [near.name]
    assert near.stat().st_size == 400_000_000
    keeper.end()


def test_a_full_disk_costs_one_warning_and_what_still_fits_is_copied(small_disk, tmp_path, shard):
    fits, too_large = tmp_path / "fits.h5", tmp_path / "too_large.h5"
    fits.write_bytes(b"x" * 900_000)
    too_large.write_bytes(b"x" * 1_000_000)  # more than 95 % of 1 MiB
    one, other = Reader(small_disk), Reader(small_disk)
    assert [one.near(path) for path in (shard, too_large)] == [shard, too_large]
    assert other.near(shard) == shard
    near = one.near(fits)
    assert near.parents[1] == small_disk
    assert files(small_disk) == [near.name]
    said = one.end() + other.end()
    assert said.count("WARNING") == 1
    assert f"WARNING scratch {near.parent}: No space left on device: shards are read from where they lie; free" in said


def test_a_disk_that_fills_up_meanwhile_leaves_no_half_copy(small_disk, shard, monkeypatch, caplog):
    (small_disk / "job").mkdir()
    monkeypatch.setattr(scratch, "FREE", -10)  # the check before sees room
    assert scratch.Scratch(small_disk / "job").local(str(shard)) == str(shard)
    assert files(small_disk) == []
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize(
    ("name", "words"),
    [("/nowhere/$NOBODY", "No such file or directory"), ("{root}/file", "Not a directory"), ("/proc", "")],
)
def test_a_scratch_that_cannot_be_used_costs_one_warning_that_names_it(root, shard, name, words):
    (root / "file").touch()
    name = name.format(root=root)
    reader = Reader(name)
    assert [reader.near(shard), reader.near(shard)] == [shard, shard]
    said = reader.end()
    assert said.count("WARNING") == 1
    assert f"scratch {name}" in said
    assert words in said
    assert "name another folder with TAVCE_SCRATCH, or unset it" in said


def test_a_disk_that_is_read_only_costs_one_warning(small_disk, shard):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    reader = Reader(small_disk)
    assert reader.near(shard) == shard
    said = reader.end()
    assert said.count("WARNING") == 1
    assert f"scratch {small_disk}: Read-only file system" in said


def test_a_disk_that_somebody_tidies_up_meanwhile_is_given_up(root, shard, tmp_path):
    reader = Reader(root)
    copy = reader.near(shard)
    shutil.rmtree(copy.parent)
    assert [reader.near(shard), reader.near(shard)] == [shard, shard]
    said = reader.end()
    assert said.count("WARNING") == 1
    assert f"scratch {copy.parent}: No such file or directory" in said


def test_variables_in_its_name_are_those_of_the_job(root, shard):
    (root / "disk77").mkdir()
    reader = Reader("$NODE/disk${SLURM_JOB_ID}", NODE=str(root))
    assert reader.near(shard).parents[1] == root / "disk77"
    reader.end()


@pytest.mark.slow
def test_loader_processes_share_the_copies_of_the_process_that_trains(tiny, root):
    told = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", LOADER, str(tiny.root)]
    sums = [
        subprocess.run(command, env={**told, "TAVCE_SCRATCH": place}, capture_output=True, text=True, check=True)
        for place in ("", str(root))
    ]
    assert json.loads(sums[0].stdout) == json.loads(sums[1].stdout)
    assert sums[1].stderr == ""
    assert list(root.iterdir()) == []

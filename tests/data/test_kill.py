"""Facts about the real commands of the data stages: killed at any moment and run again, they end as if left alone."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from bad_server import BadServer, Trickle
from coded_video import steady, tone, write_coded
from pipeline import Pipeline, row, settings
from project import REPOSITORY

from tavce.files import sha256
from tavce.records import ClipRecord

pytestmark = pytest.mark.slow

SEED, KILLS, VIDEOS = 2024, 5, 8
PIECE_BYTES, PAUSE_S = 2048, 0.01  # what the server sends at once, and how long it rests then
SETTINGS = settings(download={"attempts": 1, "timeout_s": 5, "per_host_s": 0}, trim={"preset": "medium"})


@dataclass(frozen=True)
class Command:
    """A stage's command, and how to see that it has begun to work."""

    pipeline: Pipeline
    stage: str
    began: Callable[[], int]  # grows with the work that was begun

    def run(self) -> float:
        """Run the command to its good end, and return how many seconds it worked."""
        with self._started() as (process, since):
            assert process.wait(timeout=60) == 0
            return time.monotonic() - since

    def kill_after(self, work_s: float) -> bool:
        """Kill the command when it has worked that long; return whether it had not ended before."""
        with self._started() as (process, _since):
            time.sleep(work_s)
            process.kill()
            return process.wait(timeout=60) != 0

    @contextmanager
    def _started(self) -> Iterator[tuple[subprocess.Popen, float]]:
        """Start the command, and yield it when it works, with the time; it does not outlive the block."""
        scratch = self.pipeline.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(scratch), "OMP_NUM_THREADS": "1"}
        arguments = [sys.executable, "-m", "tavce", *self.pipeline.command(self.stage)]
        before = self.began()
        with subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                yield process, self._wait_for_work(process, before)
            finally:
                process.kill()

    def _wait_for_work(self, process: subprocess.Popen, before: int) -> float:
        until = time.monotonic() + 60
        while self.began() == before and process.poll() is None:
            assert time.monotonic() < until, f"{self.stage} has not begun to work"
            time.sleep(0.002)
        return time.monotonic()


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("videos")
    return [write_coded(folder / f"v{n}.mp4", steady(25, 100 + n), tone(4 + n / 25)) for n in range(VIDEOS)]


def absent_or(records: dict[str, ClipRecord], pipeline: Pipeline, stage: str) -> bool:
    """Return whether a stage has not yet written its records, or these."""
    return not pipeline.records_path(stage).exists() or pipeline.records(stage) == records


def contents(path: Path) -> dict[str, object]:
    """Return all arrays and attributes of a shard's file by name."""
    with h5py.File(path) as file:
        found = {f"@{name}": value for name, value in file.attrs.items()}
        for clip_id, clip in file.items():
            found |= {f"{clip_id}@{name}": value for name, value in clip.attrs.items()}
            found |= {f"{clip_id}/{name}": array[:] for name, array in clip.items()}
    return found


def test_downloads_killed_five_times_end_with_the_same_files_and_records(tmp_path, videos):
    draw = random.Random(SEED)
    with BadServer({path.name: Trickle(path, PIECE_BYTES, PAUSE_S) for path in videos}) as server:
        pipeline = Pipeline(tmp_path / "mine", SETTINGS)
        rows = [row(path.stem, server.url_of(path.name), video_id=path.stem) for path in videos]
        command = Command(pipeline, "download", server.count)
        pipeline.write_rows(*rows)
        work_s = command.run()
        undisturbed = pipeline.records("download")
        pipeline.folder.rename(tmp_path / "undisturbed")
        pipeline.write_rows(*rows)
        kills = 0
        while kills < KILLS:
            if command.kill_after(draw.uniform(0, 1.5 * work_s / KILLS)):
                kills += 1
                finished = [path for path in (pipeline.folder / "raw").glob("v?.mp4")]
                assert all(sha256(path) == sha256(videos[0].parent / path.name) for path in finished)
                assert absent_or(undisturbed, pipeline, "download")
            else:
                shutil.rmtree(pipeline.folder / "raw")
                pipeline.records_path("download").unlink()
        command.run()
    assert pipeline.records("download") == undisturbed
    assert {record.reason for record in undisturbed.values()} == {None}
    files = {path.name: sha256(path) for path in (pipeline.folder / "raw").iterdir()}
    assert files == {path.name: sha256(path) for path in videos}


def test_trimming_killed_five_times_ends_with_the_same_arrays_and_records(tmp_path, videos):
    draw = random.Random(SEED)
    pipeline = Pipeline(tmp_path, SETTINGS)
    pipeline.write_rows(*(row(path.stem, path, start_frame=3, audio_offset_frames=-2) for path in videos))
    pipeline.run_all("download")
    command = Command(pipeline, "trim", lambda: sum(1 for _ in (tmp_path / "tmp").glob("tavce-trim-*/cut-*/*")))
    work_s = command.run()
    undisturbed, records = contents(pipeline.h5("trim")), pipeline.records("trim")
    shutil.rmtree(pipeline.h5("trim").parent)
    kills = 0
    while kills < KILLS:
        if command.kill_after(draw.uniform(0, work_s)):
            kills += 1
            assert absent_or(records, pipeline, "trim")
        else:
            shutil.rmtree(pipeline.h5("trim").parent)
    command.run()
    assert pipeline.records("trim") == records
    assert [record.reason for record in records.values()] == [None] * VIDEOS
    found = contents(pipeline.h5("trim"))
    assert found.keys() == undisturbed.keys()
    assert {"@version", "v0/video", "v7/wave", "v7@audio_offset_frames"} <= found.keys()
    for name, value in undisturbed.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert sorted(path.name for path in pipeline.h5("trim").parent.iterdir()) == ["0000.h5", "0000.jsonl"]

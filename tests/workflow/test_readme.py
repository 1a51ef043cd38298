"""Facts about README.md: its Snakemake commands, as they are written, plan what it says they do."""

import re
import shlex
import shutil
import sys

import pytest
import yaml
from project import CORPUS, REPOSITORY, VIDEOS, Project, copy_repository, names, read_jobs, rules, run

pytestmark = pytest.mark.slow
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [" ".join(text.split()) for text in re.findall(r"`\.venv/bin/snakemake ([^`]+)`", README)]
RERUNS = re.findall(r"^\| ([^|]+?) \| with `([^`]+)` (at its end|in place of `all`)", README, re.MULTILINE)
DATA = {"download", "trim", "detect", "crop", "basis_origin", "basis", "mel", "motion", "index"}
EXPECTED = {  # what a rerun plans, where everything is made
    "a stage and what follows": lambda jobs: {"crop", "motion"} <= rules(jobs) and not {"trim", "mel"} & rules(jobs),
    "one shard of a stage": lambda jobs: "crop mine 0003" in names(jobs) and "crop mine 0000" not in names(jobs),
}
EXPECTED_AGAIN = {  # and what a target plans, where nothing counts as made
    "one dataset's data": lambda jobs: rules(jobs) == DATA,
    "the tables only": lambda jobs: DATA | {"write_tables"} <= rules(jobs) and "report" not in rules(jobs),
}
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
    return project


def plan(project: Project, command: str) -> str:
    """Return what a command of the README says as a dry run, started in the repository's root."""
    words = [sys.executable, "-m", "snakemake", *shlex.split(command), "-n"]
    done = run(words, project.folder, project.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_finds_nothing_to_do_where_everything_is_made(project, command):
    assert "Nothing to be done" in plan(project, command)


@pytest.mark.parametrize(("what", "words", "how"), RERUNS, ids=[what for what, _, _ in RERUNS])
def test_a_partial_rerun_of_the_readme_plans_what_it_says(project, what, words, how):
    (command,) = [command for command in COMMANDS if "profiles/local" in command]
    changed = f"{command} {words}" if how == "at its end" else command.replace(" all ", f" {words} ")
    assert changed != command
    if what == UNLOCKED:
        assert "Unlocked working directory" in plan(project, changed)
    elif what in EXPECTED_AGAIN:
        assert "Nothing to be done" in plan(project, changed)
        assert EXPECTED_AGAIN[what](read_jobs(plan(project, f"{changed} --forceall")))
    else:
        assert EXPECTED[what](read_jobs(plan(project, changed)))


def test_every_partial_rerun_of_the_readme_is_tried():
    assert {what for what, _, _ in RERUNS} == {*EXPECTED, *EXPECTED_AGAIN, UNLOCKED}
    assert len(COMMANDS) == 2

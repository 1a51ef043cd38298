"""Say in words what a run would do and why: one line a rule, however many jobs.

Runs    Snakemake's dry run, with the arguments behind `--`
Writes  to standard output, for every rule with a job: how many, and what makes them stale

Snakemake looks for causes from the videos downwards, and below a stale job it looks no further: a rule that waits
for another one says so, even where a setting of its own changed as well.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

from tavce.records import InputError
from tavce.rerun.changes import changed_params

PARAMS = "Params have changed since last execution: "
UPDATED = "Updated input files: "
REMADE = "Input files updated by another job: "
SENTENCES = {  # how Snakemake's reasons begin → what is said in their place
    "Forced execution": "the command line forces it",
    "Missing output files: ": "its output is not there",
    "Incomplete output files: ": "its output was left unfinished",
    "Set of input files has changed since last execution": "it reads other files than before",
    "Code has changed since last execution": "its command changed",
    "Software environment definition has changed since last execution": "its environment changed",
    UPDATED: "its input changed",
    REMADE: "others run",
    PARAMS: "its params changed",
}
BEGINNINGS = re.compile("(?:^|; )(" + "|".join(map(re.escape, SENTENCES)) + ")")
PLAN = ("--dry-run", "--nocolor", "--quiet", "host")  # the last undoes another --quiet, which would hide the jobs
NOTHING = "Nothing to be done"
SHEET = re.compile(r"results/\w+/sheet/\d+\.jsonl")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("snakemake", nargs="+", help="after `--`: the arguments of the run, as always")


def run(arguments: argparse.Namespace) -> None:
    """Print what the run would do.

    Raises:
        InputError: Snakemake cannot plan the run; its own words say why.
    """
    command = [sys.executable, "-m", "snakemake", *arguments.snakemake, *PLAN]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    jobs = read_jobs(done.stdout)
    if done.returncode or not (jobs or NOTHING in done.stdout):
        raise InputError(f"snakemake plans no run:\n{done.stdout}")
    sys.stdout.write(summary(jobs))


@dataclass(frozen=True)
class Job:
    """One job of a dry run; `reason` is Snakemake's own text."""

    rule: str
    wildcards: tuple[str, ...]
    outputs: tuple[str, ...]
    reason: str


def read_jobs(text: str) -> list[Job]:
    """Return the jobs that Snakemake announces, in the order of their rules; targets, which make no file, aside."""
    jobs = []
    for block in re.split(r"^(?:local)?rule ", text, flags=re.MULTILINE)[1:]:
        entries = dict(re.findall(r"^    (\w+): (.*)$", block, re.MULTILINE))
        wildcards = tuple(re.findall(r"\w+=([^,]+)", entries.get("wildcards", "")))
        if "output" in entries:
            outputs = tuple(entries["output"].split(", "))
            jobs.append(Job(block.partition(":")[0], wildcards, outputs, entries["reason"]))
    return jobs


def summary(jobs: list[Job]) -> str:
    """Return one line a rule: its jobs, and the causes with the number of jobs they hold for where that is not all."""
    if not jobs:
        return "nothing to do: every file is up to date\n"
    makers = {output: job.rule for job in jobs for output in job.outputs}
    lines = []
    for rule in dict.fromkeys(job.rule for job in jobs):
        mine = [job for job in jobs if job.rule == rule]
        counted = Counter(cause for job in mine for cause in dict.fromkeys(causes(job)))
        words = [cause if n == len(mine) else f"{cause} ({n} of them)" for cause, n in counted.most_common()]
        if above := {makers[path] for job in mine for path in remade(job) if path in makers}:
            words.append(f"{', '.join(sorted(above))} run{'s' * (len(above) == 1)}")
        lines.append(f"{rule}: {len(mine)} job{'s' * (len(mine) > 1)}, because {'; '.join(words)}\n")
    return "".join(lines)


def causes(job: Job) -> list[str]:
    """Return why a job runs by itself, in words: not because another job runs."""
    found = []
    for beginning, rest in _parts(job.reason):
        if beginning == PARAMS:
            found += changed_params(rest, job.wildcards)
        elif beginning == UPDATED and any(SHEET.fullmatch(path) for path in rest.split(", ")):
            found.append("rows of its sheet are new or changed")
        elif beginning != REMADE:
            found.append(SENTENCES[beginning])
    return found if found or _parts(job.reason) else [job.reason]


def remade(job: Job) -> list[str]:
    """Return the files that a job waits for, because other jobs of the run make them."""
    return [path for beginning, rest in _parts(job.reason) if beginning == REMADE for path in rest.split(", ")]


def _parts(reason: str) -> list[tuple[str, str]]:
    """Return each sentence of Snakemake's reason: how it begins, and the rest."""
    parts = BEGINNINGS.split(reason)
    return list(zip(parts[1::2], parts[2::2], strict=True))

"""Facts about how Snakemake's reasons are told, from its own words; tests/workflow has those of real runs."""

import pytest

from tavce.rerun.why import Job, read_jobs, summary

TEXT = """Building DAG of jobs...
[Tue Nov 24 08:05:21 2026]
rule crop:
    input: results/mine/sheet/0001.jsonl
    output: results/mine/crop/0001.h5, results/mine/crop/0001.jsonl
    jobid: 14
    reason: Missing output files: results/mine/crop/0001.h5
    wildcards: dataset=mine, shard=0001
[Tue Nov 24 08:05:21 2026]
localrule basis_origin:
    output: results/basis/origin.txt
    reason: Forced execution
rule all:
    input: results/report
    reason: Input files updated by another job: results/report
Job stats:
"""


def test_jobs_are_read_from_a_dry_run_and_targets_are_none():
    assert read_jobs(TEXT) == [
        Job(
            "crop",
            ("mine", "0001"),
            ("results/mine/crop/0001.h5", "results/mine/crop/0001.jsonl"),
            "Missing output files: results/mine/crop/0001.h5",
        ),
        Job("basis_origin", (), ("results/basis/origin.txt",), "Forced execution"),
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Forced execution", "the command line forces it"),
        ("Missing output files: a, b", "its output is not there"),
        ("Incomplete output files: a", "its output was left unfinished"),
        ("Updated input files: results/mine/sheet/0001.jsonl", "rows of its sheet are new or changed"),
        ("Updated input files: results/basis/basis.npz", "its input changed"),
        ("Set of input files has changed since last execution", "it reads other files than before"),
        (
            "Missing output files: a; Set of input files has changed since last execution",
            "its output is not there; it reads other files than before",
        ),
        ("The moon is full", "The moon is full"),
    ],
)
def test_a_reason_is_told_in_words_and_an_unknown_one_as_it_is(reason, words):
    assert summary([Job("trim", ("mine", "0001"), ("a",), reason)]) == f"trim: 1 job, because {words}\n"


def test_a_rule_is_one_line_that_says_for_how_many_of_its_jobs_a_cause_holds():
    jobs = [
        Job("trim", ("mine", "0001"), ("a",), "Forced execution"),
        Job("trim", ("mine", "0002"), ("b",), "Missing output files: b"),
        Job("trim", ("mine", "0003"), ("c",), "Missing output files: c"),
        Job("mel", ("mine", "0003"), ("d",), "Input files updated by another job: c"),
        Job("index", ("mine",), ("e",), "Missing output files: e; Input files updated by another job: a, d"),
    ]
    assert summary(jobs).splitlines() == [
        "trim: 3 jobs, because its output is not there (2 of them); the command line forces it (1 of them)",
        "mel: 1 job, because trim runs",
        "index: 1 job, because its output is not there; mel, trim run",
    ]


def test_without_a_job_there_is_nothing_to_do():
    assert summary([]) == "nothing to do: every file is up to date\n"

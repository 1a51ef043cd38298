"""What the page shows of the self-tests of the metrics: known damage to real clips, and whether every metric saw it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tavce.files import read_json
from tavce.measure.metrics import METRIC
from tavce.records import InputError
from tavce.report.sections import Grid

SelfTest = dict[str, Any]
VERDICTS = {True: "passed", False: "FAILED", None: "not asked"}


def read_selftests(paths: Iterable[str | Path]) -> list[SelfTest]:
    """Return the result in every path.

    Raises:
        InputError: a file is no result of the self-test.
    """
    found = []
    for path in paths:
        result = read_json(path)
        if not isinstance(result, dict) or not {"dataset", "passed", "clips", "checks"} <= result.keys():
            raise InputError(f"{path} is no result of selftest: it needs dataset, passed, clips and checks")
        found.append(result)
    return found


def failures(results: Sequence[SelfTest]) -> list[str]:
    """Return a sentence for every dataset on which a metric failed."""
    sentences = []
    for result in results:
        failed = [heading(check) for check in result["checks"] if check["passed"] is False]
        if failed:
            names = ", ".join(dict.fromkeys(failed))
            sentences.append(f"on {result['dataset']} these metrics fail their self-test: {names}")
    return sentences


def counts(result: SelfTest) -> str:
    """Return how many checks passed, failed and were not asked, in words."""
    by_verdict = {
        words: sum(check["passed"] is verdict for check in result["checks"]) for verdict, words in VERDICTS.items()
    }
    return ", ".join(f"{number} {words}" for words, number in by_verdict.items() if number) or "no checks"


def checks(result: SelfTest) -> Grid:
    """Return the checks of a dataset: failed ones first."""
    ordered = sorted(result["checks"], key=lambda check: (check["passed"] is not False, check["passed"] is None))
    lines = [
        [
            heading(check),
            VERDICTS[check["passed"]],
            check["what"],
            str(check["expected"]),
            ", ".join(map(_value, check["values"])) or "-",
            check["identity"],
            check["reason"] or "",
        ]
        for check in ordered
    ]
    return Grid(["Metric", "Result", "What was done", "Expected", "Measured", "Identity", "Reason"], lines)


def heading(check: Mapping[str, Any]) -> str:
    """Return how the tables call a check's metric."""
    return METRIC[check["metric"]].heading if check["metric"] in METRIC else check["metric"]


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"

"""What the page shows of the environment: with which commit, Python and packages the runs were made."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tavce.files import sha256
from tavce.report.sections import Grid, short_commit

CONSTRAINTS = Path(__file__).parents[2] / "envs" / "constraints.txt"


def environment(runs: Sequence[dict[str, Any]], constraints: Path = CONSTRAINTS) -> Grid:
    """Return the versions of the runs: where runs differ, every version with the number of its runs.

    Args:
        runs: run.json values.
        constraints: the pinned set that `make` installs; its digest is told where it is there.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for run in runs:
        found["commit"][short_commit(run.get("git_commit"))] += 1
        for name in ("python", "platform"):
            if run.get(name):
                found[name][run[name]] += 1
        for package, version in (run.get("versions") or {}).items():
            found[package][version or "not installed"] += 1
    lines = [[name, _in_words(versions)] for name, versions in found.items()]
    if constraints.is_file():
        lines.append(["envs/constraints.txt of the page's code", f"SHA-256 {sha256(constraints)}"])
    return Grid(["What", "Version"], lines)


def _in_words(versions: Counter[str]) -> str:
    if len(versions) == 1:
        return next(iter(versions))
    return ", ".join(f"{version} ({runs} run{'s' * (runs > 1)})" for version, runs in versions.most_common())

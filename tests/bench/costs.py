"""`python -m tests.bench.costs FILE.yaml [--settings my.yaml]`: what a plan is computed from, measured on this machine.

`make plan COSTS=FILE.yaml` lays it over workflow/config/costs.yaml. Takes some minutes; run it where nothing else runs.
"""

import argparse
import os
import platform
import tempfile
from datetime import date
from pathlib import Path

import yaml

from tavce.config import PAPER, load_files
from tavce.files import write_text
from tests.bench import operations, stage_costs

DIGITS = 3


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.costs", description=__doc__)
    parser.add_argument("file", help="where the costs go, .yaml")
    parser.add_argument("--settings", help="a .yaml laid over the paper's settings: whose networks are counted")
    arguments = parser.parse_args()
    settings = load_files(PAPER, *([arguments.settings] if arguments.settings else []))
    with tempfile.TemporaryDirectory(prefix="tavce-bench-") as folder:
        stages = stage_costs.measure(Path(folder))
        trainings = operations.measure(Path(folder) / "case1" / "bench", settings)
    found = {"machine": machine(), "stages": stages, "trainings": trainings}
    write_text(arguments.file, yaml.safe_dump(_rounded(found), sort_keys=False, width=120, allow_unicode=True))


def machine() -> str:
    """Return what the costs are of, in words."""
    return (
        f"one core of {_processor()} ({os.cpu_count()} cores), {date.today():%Y-%m-%d}, talking heads of 640×480 and "
        "960×720 px, the paper's settings"
    )


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _rounded(value: object) -> object:
    """Return numbers of three digits, tables and lists of them."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{float(value):.{DIGITS}g}") if isinstance(value, int | float) else value


if __name__ == "__main__":
    main()

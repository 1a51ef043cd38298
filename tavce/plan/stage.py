"""Say what a run would take: jobs, core and GPU hours, disk, the longest job of each rule, and the critical path.

Reads   workflow/config/costs.yaml (`tavce.plan.costs`), the settings, and the user's own benchmarks, where named
Writes  the plan to standard output; every clip is counted as kept
"""

import argparse
import sys

from tavce.config import parse_sections
from tavce.config.corpora import AnyCorpus
from tavce.plan import benchmarks, costs
from tavce.plan.jobs import Workflow
from tavce.plan.prices import Dataset, Prices
from tavce.plan.text import describe
from tavce.records import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--datasets", nargs="*", help="corpora by name (default: those of the settings)")
    parser.add_argument(
        "--shards", type=int, nargs="+", help="of all corpora, or of each in turn (default: as the settings say)"
    )
    parser.add_argument("--costs", help="a .yaml laid over workflow/config/costs.yaml: a corpus of yours, a machine")
    parser.add_argument("--benchmarks", help="folder of your own benchmarks, which take the place of measured costs")
    parser.add_argument("--results", default="results", help="folder of the results that the benchmarks are of")
    parser.add_argument("--tflops", type=float, help="10¹² operations a second that a GPU sustains")
    parser.add_argument("--cores", type=int, default=100, help="cores there are, for the time of the whole run")
    parser.add_argument("--gpus", type=int, default=4, help="GPUs there are, for the time of the whole run")


def run(arguments: argparse.Namespace) -> None:
    """Print the plan.

    Raises:
        InputError: a dataset is unknown, or its shards are not said; as `benchmarks.read` and `schedule.wall_s`.
        SettingsError: as `costs.load`.
    """
    settings = parse_sections(arguments.settings)
    table = costs.load(arguments.costs)
    if arguments.tflops is not None:
        if arguments.tflops <= 0:
            raise InputError(f"--tflops {arguments.tflops:g} is no speed: give 10¹² operations a second, above 0")
        table = table.model_copy(update={"tflops": arguments.tflops})
    datasets = choose(arguments.datasets, arguments.shards, settings["corpora"], table)
    rates = benchmarks.read(arguments.benchmarks, arguments.results) if arguments.benchmarks else {}
    prices = Prices(table, rates)
    groups = Workflow(settings, datasets, prices).groups()
    sys.stdout.write(describe(groups, settings, datasets, prices, (arguments.cores, arguments.gpus)))


def choose(
    names: list[str] | None, shards: list[int] | None, corpora: dict[str, AnyCorpus], table: costs.Costs
) -> dict[str, Dataset]:
    """Return the datasets to plan for; what the settings say of one holds, `shards` apart.

    Raises:
        InputError: no dataset is named or trained on, one is unknown, or its shards are not said.
    """
    names = names or [*corpora]
    if not names:
        known = " ".join(table.datasets)
        raise InputError(f"no dataset is named, and the settings have no corpora: give --datasets {known}")
    chosen = {}
    for name, count in zip(names, _shards(names, shards, corpora), strict=True):
        if name not in table.datasets:
            raise InputError(
                f"how large '{name}' is, is not known (known: {', '.join(table.datasets)}): write it into a file, say "
                f"mine.yaml, `datasets: {{{name}: {{videos: 100, clips: 1000, test_clips: 100, hours: 2.5, "
                "width_px: 1280, height_px: 720}}`, and end with `--costs mine.yaml` (make: COSTS=mine.yaml)"
            )
        if count is None:
            raise InputError(f"how many shards '{name}' has, is not said: give --shards (make: SHARDS=64)")
        corpus = corpora.get(name)
        train, evaluate = (corpus.train, corpus.evaluate) if corpus else (True, True)
        chosen[name] = Dataset(table.datasets[name], count, train, evaluate)
    if not any(dataset.train for dataset in chosen.values()):
        raise InputError("no corpus is trained on: set corpora.NAME.train to true")
    return chosen


def _shards(names: list[str], shards: list[int] | None, corpora: dict[str, AnyCorpus]) -> list[int | None]:
    """Return the shards of each dataset, None where nobody says how many."""
    if shards is None:
        return [corpora[name].shards if name in corpora else None for name in names]
    if wrong := [count for count in shards if count < 1]:
        raise InputError(f"--shards {wrong[0]} is no number of shards: give 1 or more")
    if len(shards) not in (1, len(names)):
        raise InputError(f"--shards gives {len(shards)} numbers for {len(names)} datasets: give one, or one for each")
    return shards * len(names) if len(shards) == 1 else shards

"""A plan as text: a table of the rules, the totals, the critical path, and where every number is from."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tavce.config.variants import method_of
from tavce.plan.jobs import Group
from tavce.plan.learning import Network, networks
from tavce.plan.prices import ASSUMED, ESTIMATE, MEASURED, OWN, UNKNOWN, Dataset, Prices
from tavce.plan.schedule import critical_path, wall_s

HEADER = ("rule", "jobs", "core hours", "GPU hours", "disk GB", "longest job", "from")
HOUR_S = 3600
WIDTH = 120


@dataclass(frozen=True)
class Sum:
    """What some groups take together."""

    groups: Sequence[Group]

    @property
    def jobs(self) -> int:
        """How many jobs there are."""
        return sum(group.jobs for group in self.groups)

    @property
    def core_s(self) -> float:
        """Reserved cores times wall time, as a cluster counts; what nobody knows is left out."""
        return sum(group.jobs * group.cores * (group.price.wall_s or 0) for group in self.groups)

    @property
    def gpu_s(self) -> float:
        """Reserved GPUs times wall time; what nobody knows is left out."""
        return sum(group.jobs * (group.price.gpu_s or 0) for group in self.groups)

    @property
    def bytes(self) -> float:
        """What is on disk at the end."""
        return sum(group.jobs * group.price.bytes for group in self.groups)

    @property
    def longest_s(self) -> float:
        """The wall time of the longest job."""
        return max(group.price.wall_s or 0 for group in self.groups)

    @property
    def origins(self) -> list[str]:
        """Where the numbers are from."""
        return sorted({group.price.origin for group in self.groups})


def describe(
    groups: Sequence[Group],
    settings: Mapping[str, Any],
    datasets: Mapping[str, Dataset],
    prices: Prices,
    machine: tuple[int, int],
) -> str:
    """Return the whole plan; `machine` is how many cores and GPUs there are."""
    cores, gpus = machine
    path = critical_path(groups)
    at_least = duration(path.wall_s)
    about = duration(wall_s(groups, cores, gpus))
    without = ", what is unknown left out" if UNKNOWN in Sum(groups).origins else ""
    chain = " → ".join(str(group) for group in path.groups if group.price.wall_s)
    notes = [
        f"critical path, however many nodes there are: at least {at_least}{without}",
        f"  {chain}",
        f"on {cores} cores and {gpus} GPUs: about {about}{without} (--cores, --gpus)",
        "",
        "times are days-hours:minutes; core and GPU hours are those reserved; every clip is counted as kept",
        *_pace(settings, datasets),
        *_origins(groups, prices),
        *_steps(settings, datasets),
    ]
    wrapped = [textwrap.fill(note, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for note in notes]
    return "\n".join([*_table(groups), "", *wrapped]) + "\n"


def duration(seconds: float) -> str:
    """Return a time as a cluster's limits are written, days-hours:minutes, rounded up."""
    minutes = -int(-seconds // 60)
    return f"{minutes // 1440}-{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _table(groups: Sequence[Group]) -> list[str]:
    rules = list(dict.fromkeys(group.rule for group in groups))
    rows = [_row(rule, Sum([group for group in groups if group.rule == rule])) for rule in rules]
    rows.append((*_row("together", Sum(groups))[:-1], ""))
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    lines = [_line(row, widths) for row in (HEADER, *rows)]
    return [lines[0], "-" * len(lines[0]), *lines[1:-1], "-" * len(lines[0]), lines[-1]]


def _row(name: str, total: Sum) -> tuple[str, ...]:
    unknown = "?" if UNKNOWN in total.origins else ""
    hours = (f"{seconds / HOUR_S:,.1f}{unknown and ' + ?'}" for seconds in (total.core_s, total.gpu_s))
    longest = unknown or duration(total.longest_s)
    return name, f"{total.jobs:,}", *hours, f"{total.bytes / 1e9:,.1f}", longest, ", ".join(total.origins)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *numbers, last = cells
    middle = (cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True))
    return "  ".join((first.ljust(widths[0]), *middle, last)).rstrip()


def _pace(settings: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Yield a line on how long fetching takes at the pace that a host is asked at, however many jobs there are."""
    fetched = {name: dataset.size.videos for name, dataset in datasets.items() if dataset.size.fetched_hours}
    own = {name: corpus.download for name, corpus in settings["corpora"].items()}
    every_s = settings["download"].per_host_s
    total_s = sum(videos * own.get(name, {}).get("per_host_s", every_s) for name, videos in fetched.items())
    if total_s:
        yield (
            f"fetching takes at least {duration(total_s)}: {sum(fetched.values()):,} videos from one host, one every "
            f"{every_s:g} s by all jobs together (download.per_host_s)"
        )


def _origins(groups: Sequence[Group], prices: Prices) -> Iterator[str]:
    """Yield a line on every kind of number in the table."""
    found, costs = Sum(groups).origins, prices.costs
    if MEASURED in found:
        yield f"measured: {costs.machine}"
    if ASSUMED in found:
        yield (
            f"assumed: whole videos are fetched, {costs.fetched_mbit_s:g} Mbit a second of video, and a job gets "
            f"{costs.network_mbit_s:g} Mbit/s"
        )
    if ESTIMATE in found:
        yield (
            f"estimate: operations of a training step, counted, at {costs.tflops:g} TFLOP/s sustained (--tflops); "
            "no GPU was measured"
        )
    if OWN in found:
        yield "own: benchmarks of your jobs"
        for (dataset, stage), rate in prices.rates.items():
            if dataset is not None:
                peak = "memory not sampled" if rate.peak_mb is None else f"at most {rate.peak_mb:,.0f} MB"
                high = "; so short that most of it is their start: too high" if rate.mostly_start else ""
                yield f"  {stage} {dataset}: {rate.jobs} jobs, {rate.wall_s:.3g} s for a second of video, {peak}{high}"
    if UNKNOWN in found:
        yield from _unknown([group for group in groups if group.price.origin == UNKNOWN])


def _unknown(groups: Sequence[Group]) -> Iterator[str]:
    """Yield what is unknown and why: a command of the user's, or a network that was not counted."""
    commands = ", ".join(str(group) for group in groups if group.rule == "gather")
    counted = ", ".join(str(group) for group in groups if group.rule != "gather")
    if commands:
        yield f"unknown, and counted as nothing: {commands}: how long another method's command takes"
    if counted:
        yield (
            f"unknown, and counted as nothing: {counted}: their networks are of another shape than those counted; "
            "`python -m tests.bench.costs mine.yaml --settings my.yaml` counts them, then `--costs mine.yaml`"
        )


def _steps(settings: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Yield how many steps each network takes; seeds of a variant take the same."""
    clips = sum(dataset.size.clips - dataset.size.test_clips for dataset in datasets.values() if dataset.train)
    seeds: dict[tuple[str, str], list[Network]] = {}
    for network in networks(settings):
        seeds.setdefault((network.stage, method_of(network.name)), []).append(network)
    for first, *others in seeds.values():
        training = first.section.training
        yield (
            f"steps: train_{' '.join(first.key).strip()} {first.steps(clips):,} = {clips:,} clips × "
            f"{training.repeats} repeats / {training.samples_a_step} a step × {training.epochs} epochs"
            + (f", with each of {1 + len(others)} seeds" if others else "")
        )

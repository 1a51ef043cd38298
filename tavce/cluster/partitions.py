"""What `sinfo` says of partitions, held against what the profile asks for. Nothing here starts a process."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tavce.cluster.findings import Finding, bad, good
from tavce.cluster.site import Site

FORMAT = "%R|%a|%l|%m|%c|%G|%D"  # partition, up, time limit, MB, cores, GPUs, nodes: one line a kind of node


@dataclass(frozen=True)
class Kind:
    """One kind of node of a partition."""

    partition: str
    up: bool
    minutes: int | None  # None = no limit
    mem_mb: int
    cores: int
    gpus: dict[str, int]  # type ("" = none named) → number a node
    nodes: int


def parse(listing: str) -> list[Kind]:
    """Return the kinds of nodes in the lines of `sinfo -h -o FORMAT`."""
    kinds = []
    for line in listing.splitlines():
        name, up, limit, mem, cores, gres, nodes = line.strip().split("|")
        numbers = [int(re.sub(r"\D.*", "", text) or 0) for text in (mem, cores, nodes)]
        kinds.append(Kind(name, up == "up", minutes(limit), numbers[0], numbers[1], _gpus(gres), numbers[2]))
    return kinds


def minutes(limit: str) -> int | None:
    """Return a time limit (`infinite`, `D-HH:MM:SS`, `HH:MM:SS`, `MM:SS`) in minutes."""
    if limit in ("infinite", "UNLIMITED", "n/a"):
        return None
    days, _, clock = limit.rpartition("-")
    hours, mins, _seconds = ([0, 0, 0] + [int(part) for part in clock.split(":")])[-3:]
    return (int(days or 0) * 24 + hours) * 60 + mins


def _gpus(gres: str) -> dict[str, int]:
    found = re.findall(r"gpu(?::([A-Za-z][\w.-]*))?:(\d+)", gres)
    return {kind: int(number) for kind, number in found}


def findings(kinds: list[Kind], here: Site, stages: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield what of the profile's stages, under the site's settings, does not fit the partitions."""
    for name, says in (("cpu_partition", here.cpu_partition), ("gpu_partition", here.gpu_partition)):
        for partition in says.split(","):
            yield _of_partition(name, partition, kinds)
    asked = here.over(stages)
    for device in ("cpu", "gpu"):
        rules = {rule: said for rule, said in asked.items() if bool(said.get("gpus")) == (device == "gpu")}
        mine = _partition_of(device, here, kinds)
        if mine:
            yield from _limits(device, rules, mine, here)
    for rule, said in asked.items():
        if said.get("gpus"):
            yield from _gpus_of_rule(rule, said, _partition_of("gpu", here, kinds), here)


def _of_partition(name: str, partition: str, kinds: list[Kind]) -> Finding:
    mine = [kind for kind in kinds if kind.partition == partition]
    if not mine:
        known = ", ".join(sorted({kind.partition for kind in kinds}))
        return bad(f"{name} '{partition}' is none of {known}: set {name}")
    if not any(kind.up for kind in mine):
        return bad(f"partition {partition} is down: `sinfo -p {partition}` says more")
    most = max(mine, key=lambda kind: kind.mem_mb)
    return good(
        f"partition {partition}: {sum(kind.nodes for kind in mine)} nodes, up to {most.cores} cores, {most.mem_mb} MB"
    )


def _partition_of(device: str, here: Site, kinds: list[Kind]) -> list[Kind]:
    names = (here.gpu_partition if device == "gpu" else here.cpu_partition).split(",")
    return [kind for kind in kinds if kind.partition in names and kind.up]


def _limits(device: str, rules: Mapping[str, Mapping[str, Any]], mine: list[Kind], here: Site) -> Iterator[Finding]:
    """Yield which rules ask for more time or memory than any node of their partition gives."""
    limits = [kind.minutes for kind in mine]
    given = {"minutes": None if None in limits else max(limits), "mem_mb": max(kind.mem_mb for kind in mine)}
    for what, name in (("runtime", "minutes"), ("mem_mb", "mem_mb")):
        cap = getattr(here, f"{device}_{name}")
        asks = {
            rule: min(said[what], cap or said[what]) for rule, said in rules.items() if "slurm_partition" not in said
        }
        over = [rule for rule, value in asks.items() if given[name] is not None and value > given[name]]
        if over:
            most = max(asks[rule] for rule in over)
            unit = "minutes" if name == "minutes" else "MB"
            remedy = f"set {device}_{name}: {given[name]}"
            yield bad(
                f"{', '.join(over)} ask for up to {most} {unit}, {mine[0].partition} gives {given[name]}: {remedy}"
            )


def _gpus_of_rule(rule: str, said: Mapping[str, Any], mine: list[Kind], here: Site) -> Iterator[Finding]:
    """Yield whether some node has as many GPUs as the rule asks for, and cores for each of them."""
    gpus, cores = said["gpus"], said["gpus"] * said.get("threads", 1)
    fitting = [
        (sum(number for kind, number in item.gpus.items() if here.gpu_type in (None, kind)), item.cores)
        for item in mine
    ]
    if not mine or any(has >= gpus and has_cores >= cores for has, has_cores in fitting):
        return
    wanted = f"{gpus} {here.gpu_type or ''}".strip()
    shown = ", ".join(sorted({f"{number} {kind}".strip() for item in mine for kind, number in item.gpus.items()}))
    has = f"{shown or 'none'}, and at most {max(item.cores for item in mine)} cores"
    remedy = f"set gpu_type, or rules.{rule}.gpus or .threads"
    yield bad(
        f"{rule} asks for {wanted} GPU and {cores} cores a node, a node of {mine[0].partition} has {has}: {remedy}"
    )

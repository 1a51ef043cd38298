"""How long a run takes: at least, however many nodes there are, and about, on so many cores and GPUs.

A group whose price nobody knows counts as taking no time; the caller says so.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tavce.plan.jobs import Group, Key
from tavce.records import InputError


@dataclass(frozen=True)
class Path:
    """A chain of jobs, each waiting for the one before."""

    groups: tuple[Group, ...]
    wall_s: float


def critical_path(groups: Sequence[Group]) -> Path:
    """Return the chain of jobs that takes longest; groups stand after those that they wait for.

    A shard waits for its own shard only, and all shards of a dataset are alike: a chain goes through one job a group.
    """
    paths: dict[Key, Path] = {}
    for group in groups:
        waits = [paths[key] for key in _waits(group)]
        longest = max(waits, key=lambda path: path.wall_s, default=Path((), 0.0))
        paths[group.key] = Path((*longest.groups, group), longest.wall_s + _wall_s(group))
    return max(paths.values(), key=lambda path: path.wall_s)


def wall_s(groups: Sequence[Group], cores: int, gpus: int) -> float:
    """Return the seconds until all jobs have run, when each starts as soon as its inputs are there and there is room.

    Raises:
        InputError: there are fewer cores or GPUs than one job takes.
    """
    for group in groups:
        if group.cores > cores or group.gpus > gpus:
            raise InputError(
                f"a job of {group} takes {group.cores} cores and {group.gpus} GPUs, of {cores} and {gpus}: "
                "raise --cores or --gpus"
            )
    return _Run(groups, cores, gpus).finish()


@dataclass
class _Run:
    """Jobs (group, number) that run on a pool of cores and GPUs; a job on the longest way to the end goes first."""

    groups: Sequence[Group]
    cores: int
    gpus: int
    ready: list[tuple[float, int, int]] = field(default_factory=list)  # heap: −way to the end, place, number
    running: list[tuple[float, int, int]] = field(default_factory=list)  # heap: end, place, number

    def __post_init__(self) -> None:
        self._left = [group.jobs for group in self.groups]  # unfinished jobs of each group
        self._way = _ways(self.groups)
        self._places = {group.key: place for place, group in enumerate(self.groups)}
        self._open = [{*group.needs} for group in self.groups]  # groups each still waits for
        self._passed: list[set[int]] = [set() for _ in self.groups]  # shards done, of the group that `each` names
        for place, group in enumerate(self.groups):
            if not group.needs and group.each is None:
                self._make_ready(place, range(group.jobs))

    def _make_ready(self, place: int, numbers: range | set[int]) -> None:
        for number in numbers:
            heapq.heappush(self.ready, (-self._way[place], place, number))

    def finish(self) -> float:
        """Return the time at which the last job ends."""
        now = 0.0
        while self.ready or self.running:
            self._start(now)
            now, place, number = heapq.heappop(self.running)
            group = self.groups[place]
            self.cores += group.cores
            self.gpus += group.gpus
            self._left[place] -= 1
            self._release(group, number)
        return now

    def _start(self, now: float) -> None:
        """Start every ready job that there is room for."""
        waiting = []
        while self.ready and self.cores:
            job = heapq.heappop(self.ready)
            group = self.groups[job[1]]
            if group.cores > self.cores or group.gpus > self.gpus:
                waiting.append(job)
                continue
            self.cores -= group.cores
            self.gpus -= group.gpus
            heapq.heappush(self.running, (now + _wall_s(group), job[1], job[2]))
        for job in waiting:
            heapq.heappush(self.ready, job)

    def _release(self, done: Group, number: int) -> None:
        """Make ready what waited for a job, and for its group if that was its last."""
        finished = not self._left[self._places[done.key]]
        for place, group in enumerate(self.groups):
            if group.each == done.key:
                self._passed[place].add(number)
                if not self._open[place]:
                    self._make_ready(place, {number})
            if finished and done.key in self._open[place]:
                self._open[place].remove(done.key)
                if not self._open[place]:
                    self._make_ready(place, range(group.jobs) if group.each is None else self._passed[place])


def _ways(groups: Sequence[Group]) -> list[float]:
    """Return, for each group, the seconds of the longest chain from its start to the end of all."""
    after: Mapping[Key, list[float]] = {group.key: [0.0] for group in groups}
    ways = []
    for group in reversed(groups):
        ways.append(_wall_s(group) + max(after[group.key]))
        for key in _waits(group):
            after[key].append(ways[-1])
    return ways[::-1]


def _waits(group: Group) -> tuple[Key, ...]:
    return group.needs if group.each is None else (*group.needs, group.each)


def _wall_s(group: Group) -> float:
    return group.price.wall_s or 0.0

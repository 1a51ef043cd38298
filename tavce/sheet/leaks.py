"""Speakers and videos that stand in more than one split, over all corpora of a run; and what becomes of their clips.

A speaker is known by name, within corpora that name people alike (VoxCeleb1, VoxCeleb2 and lists of them; HDTF; a
corpus by itself otherwise), a video by its YouTube id, its url or its path, whatever a corpus calls it. Only what the
run uses counts: the test split of a corpus that is not evaluated, and the others of one that is not trained on, do not.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tavce.config.corpora import Corpus
from tavce.records import SPLITS, InputError, Split

SHOWN = 5


class Group(NamedTuple):
    """Clips of one speaker out of one video that their corpus puts into one split."""

    speaker: str
    video: str  # `videos.video_key`
    split: Split


class Size(NamedTuple):
    """How many clips a group has, and the first of them."""

    clips: int
    first: str


class Key(NamedTuple):
    """What must not be in two splits."""

    kind: str  # speaker or video
    among: str  # the corpora that use the name for the same
    name: str


@dataclass(frozen=True)
class Listing:
    """The groups of one corpus."""

    dataset: str
    corpus: Corpus
    groups: Mapping[Group, Size]

    def used(self) -> Iterator[Group]:
        """Yield the groups that the run learns from or measures on."""
        for group in self.groups:
            if self.corpus.evaluate if group.split == "test" else self.corpus.train:
                yield group

    def keys(self, group: Group) -> tuple[Key, Key]:
        """Return what a group is known by."""
        return Key("speaker", self.corpus.PEOPLE or self.dataset, group.speaker), Key("video", "", group.video)


@dataclass(frozen=True)
class Decision:
    """What becomes of the clips of a group: they go to another split, or (None) are dropped."""

    split: Split | None
    detail: str


@dataclass(frozen=True)
class Place:
    """Where a speaker or video that leaks is found."""

    key: Key
    split: Split
    dataset: str
    size: Size

    def line(self) -> str:
        """Return a line of the table of leaks."""
        words = (self.key.kind, self.key.name, self.split, self.dataset, self.size.clips, self.size.first)
        return "\t".join(map(str, words))


COLUMNS = "kind\tname\tsplit\tdataset\tclips\tfirst_clip"
Decisions = dict[str, dict[Group, Decision]]


def find(listings: list[Listing]) -> list[Place]:
    """Return every place of every speaker and video that is in more than one split, key by key, split by split."""
    splits: dict[Key, set[Split]] = defaultdict(set)
    for listing in listings:
        for group in listing.used():
            for key in listing.keys(group):
                splits[key].add(group.split)
    found: dict[tuple[Key, Split, str], Size] = {}
    for listing in listings:
        for group in listing.used():
            for key in listing.keys(group):
                if len(splits[key]) > 1:
                    at = (key, group.split, listing.dataset)
                    size = listing.groups[group]
                    before = found.get(at)
                    found[at] = size if before is None else Size(before.clips + size.clips, before.first)
    places = [Place(*at, size) for at, size in found.items()]
    return sorted(places, key=lambda place: (place.key, SPLITS.index(place.split), place.dataset))


def refuse(places: list[Place], table: str) -> None:
    """Stop where there is a leak.

    Raises:
        InputError: names the first leaks, the table that has all of them, and the settings that resolve them.
    """
    if not places:
        return
    by_key: dict[Key, list[str]] = defaultdict(list)
    for place in places:
        by_key[place.key].append(f"in {place.split} ({place.dataset}: {place.size.first})")
    lines = [f"{key.kind} '{key.name}' is {' and '.join(where)}" for key, where in by_key.items()]
    more = f"\n  and {len(lines) - SHOWN} more" * (len(lines) > SHOWN)
    raise InputError(
        "\n  ".join([f"{len(lines)} speakers or videos are in more than one split:", *lines[:SHOWN]])
        + f"{more}\n{table} has them all. A speaker belongs to one split: correct the split, or set `leaks: move` (all "
        "their clips are held out) or `leaks: drop` (the clips that are not held out are dropped, with that reason)"
    )


def move(listings: list[Listing]) -> Decisions:
    """Return decisions that hold out all clips which share, directly or through others, a key with held-out ones."""
    roots: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        while (above := roots.setdefault(key, key)) is not key:
            roots[key] = key = roots[above]
        return key

    for listing in listings:
        for group in listing.used():
            speaker, video = listing.keys(group)
            roots[root(speaker)] = root(video)
    highest: dict[Key, tuple[int, Key, str]] = {}
    for listing in listings:
        for group in listing.used():
            level, key = SPLITS.index(group.split), listing.keys(group)[0]
            if level > highest.get(root(key), (-1,))[0]:
                highest[root(key)] = (level, key, listing.dataset)
    decisions: Decisions = defaultdict(dict)
    for listing in listings:
        for group in listing.used():
            level, key, dataset = highest[root(listing.keys(group)[0])]
            if SPLITS.index(group.split) < level:
                detail = f"held out with {key.kind} '{key.name}', who is in {SPLITS[level]} of {dataset}"
                decisions[listing.dataset][group] = Decision(SPLITS[level], detail)
    return decisions


def drop(listings: list[Listing]) -> Decisions:
    """Return decisions that drop the clips which share a key with clips that are held out more than they."""
    decisions: Decisions = defaultdict(dict)
    held: dict[Key, str] = {}
    for split in reversed(SPLITS):
        kept: dict[Key, str] = {}
        for listing in listings:
            for group in listing.used():
                if group.split != split:
                    continue
                shared = [key for key in listing.keys(group) if key in held]
                if shared:
                    detail = f"{shared[0].kind} '{shared[0].name}' is {held[shared[0]]} too"
                    decisions[listing.dataset][group] = Decision(None, detail)
                else:
                    kept.update(dict.fromkeys(listing.keys(group), f"in {split} of {listing.dataset}"))
        held |= kept
    return decisions


RESOLVE = {"move": move, "drop": drop}

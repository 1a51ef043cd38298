"""How published networks name their entries: from our names to theirs, and back.

A layout is written down once, as a function of our name. The way back follows from the entries of the network at hand,
so that both ways always agree.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Layout:
    """How the entries of a published network are named.

    published: its name of an entry of ours.
    left_out: matches, at their start, those of its entries that have no place here.
    fresh: starts of our names that it has no entries for.
    """

    published: Callable[[str], str]
    left_out: re.Pattern[str] = NOTHING
    fresh: tuple[str, ...] = ()

    def to_published(self, names: Iterable[str]) -> dict[str, str]:
        """Return the published name of each of our names that the published network has an entry for."""
        return {name: self.published(name) for name in names if not name.startswith(self.fresh)}

    def to_ours(self, names: Iterable[str]) -> dict[str, str]:
        """Return our name by published name, for a network of ours with entries of these names."""
        return {theirs: name for name, theirs in self.to_published(names).items()}


def rewritten(*rules: tuple[str, str]) -> Callable[[str], str]:
    """Return a function that changes a name by every rule in turn.

    Args:
        rules: regular expression, matched at the name's start, and what stands in its place.
    """
    compiled = [(re.compile(rf"^{pattern}"), replacement) for pattern, replacement in rules]

    def change(name: str) -> str:
        for pattern, replacement in compiled:
            name = pattern.sub(replacement, name)
        return name

    return change

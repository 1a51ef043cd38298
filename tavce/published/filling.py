"""Lay published entries over a network of ours, and write ours under published names.

Every shape is checked and the entry that does not fit is named. Counts of batches are taken where a file has them:
older versions of PyTorch kept none.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from tavce.published.files import Entries
from tavce.published.layout import Layout
from tavce.records import InputError

LEFT_OUT, STRANGER = "left out by design", "stranger"


@dataclass(frozen=True)
class Report:
    """What became of every entry, on both sides.

    loaded: entries of the file that were laid over ours.
    unused: entries of the file that were not → why: left out by design, or a stranger.
    seeded: entries of ours that stayed as they were.
    """

    where: str
    loaded: tuple[str, ...]
    unused: Mapping[str, str]
    seeded: tuple[str, ...]

    def __str__(self) -> str:
        strangers = [name for name, why in self.unused.items() if why == STRANGER]
        said = f"{self.where}: {len(self.loaded)} entries loaded, {len(self.unused)} of the file not used"
        said += f" ({len(strangers)} strangers)" if strangers else ""
        return f"{said}, {len(self.seeded)} of ours stayed as they were seeded"

    def json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def fill(network: nn.Module, part: Entries, layout: Layout, strict: bool = True) -> Report:
    """Lay the entries of a file over a network's, and return what became of them.

    Args:
        network: left as it was where an error is raised.
        part: entries of the file.
        layout: how they are named.
        strict: refuse entries that neither have a place here nor are left out by design, and gaps.

    Raises:
        InputError: an entry is of another shape; where `strict`, one is missing or a stranger. Names the entry.
    """
    names = layout.to_published(network.state_dict())
    filled = {}
    for name, entry in network.state_dict().items():
        theirs = names.get(name)
        absent = theirs not in part.entries
        if theirs is None or (absent and (not strict or name.endswith(".num_batches_tracked"))):
            continue
        found = part.entries.get(theirs)
        shape = tuple(found.shape) if isinstance(found, Tensor) else "missing"
        if shape != tuple(entry.shape):
            raise InputError(f"{part.where}: entry '{theirs}' is {shape}, not {tuple(entry.shape)}")
        filled[name] = found
    loaded = tuple(names[name] for name in filled)
    unused = _unused(part, layout, set(loaded))
    for theirs, why in unused.items():
        if strict and why == STRANGER:
            raise InputError(f"{part.where}: entry '{theirs}' has no place here: the file is of another network")
    network.load_state_dict(filled, strict=False)
    return Report(part.where, loaded, unused, tuple(name for name in network.state_dict() if name not in filled))


def export(entries: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Return a state of ours under the published names; entries that the layout names none for are left out."""
    return {theirs: entries[name] for name, theirs in layout.to_published(entries).items()}


def _unused(part: Entries, layout: Layout, loaded: set[str]) -> dict[str, str]:
    left = [name for name in part.entries if name not in loaded]
    return {name: LEFT_OUT if layout.left_out.match(name) else STRANGER for name in left}

"""Which settings and versions changed, from what Snakemake says of a job's params."""

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tavce.config.settings import COLLECTIONS
from tavce.config.variants import method_of

NOTHING = "<nothing exclusive>"  # Snakemake's words for an empty side
LONGEST = 60  # letters of a value that are shown


@dataclass
class Side:
    """What a job's params were, or are: only what the other side does not hold."""

    settings: dict[str, Any] = field(default_factory=dict)
    versions: list[int] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def changed_params(text: str, wildcards: tuple[str, ...]) -> list[str]:
    """Return one phrase a change: of a setting, of the stage's version, or of another value.

    Args:
        text: Snakemake's `… before: VALUES now: VALUES`; values as Python writes them, with commas between.
        wildcards: the job's; the first names the entry where a rule sees one of several, such as a renderer.
    """
    before, now = (_side(words, wildcards) for words in text.partition("before: ")[2].strip().split(" now: "))
    names = sorted(before.settings.keys() | now.settings.keys())
    pairs = [(name, before.settings.get(name), now.settings.get(name)) for name in names]
    phrases = [f"the setting {name} changed ({_shown(old)} -> {_shown(new)})" for name, old, new in pairs if old != new]
    raised = {(old, new) for old, new in zip(before.versions, now.versions, strict=False) if old != new}
    phrases += [f"a stage's version was raised ({old} -> {new})" for old, new in sorted(raised)]
    if before.others or now.others:
        phrases.append(
            f"it is about others ({', '.join(before.others) or 'none'} -> {', '.join(now.others) or 'none'})"
        )
    return phrases or ["its params changed"]


def _side(words: str, wildcards: tuple[str, ...]) -> Side:
    side = Side()
    for value in ast.literal_eval(f"({words},)") if words != NOTHING else ():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int):
                side.versions.append(item)
            elif item.startswith("{"):
                side.settings |= _flat(json.loads(item), wildcards)
            else:
                side.others.append(item)
    return side


def _flat(sections: Mapping[str, Any], wildcards: tuple[str, ...]) -> dict[str, Any]:
    """Return every setting by its path, as the user writes it: `renderer` is `renderers.NAME`."""
    if all(isinstance(value, str) for value in sections.values()):
        sections = {"methods": sections}  # the labels of the tables' rows
    named = {
        f"{COLLECTIONS[key]}.{method_of(wildcards[0])}" if key in COLLECTIONS else key: sections[key]
        for key in sections
    }
    return dict(_leaves(named, ""))


def _leaves(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _shown(value: Any) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

"""What is wrong with settings, in words that name the setting, its value and the remedy."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


class SettingsError(Exception):
    """A setting that cannot be used; the message names it, its value and the remedy."""


def explain(error: ValidationError, known: set[str], under: str = "") -> str:
    """Return what is wrong with every setting, one a line.

    Args:
        error: of a model that was validated.
        known: the keys that a misspelt one may have meant.
        under: the path, with a dot at its end, below which the model's settings were written.
    """
    return "settings cannot be used:\n  " + "\n  ".join(_sentence(item, known, under) for item in error.errors())


def _sentence(item: Mapping[str, Any], known: set[str], under: str) -> str:
    """Return what is wrong with one setting."""
    path = (under + _path(item["loc"])).removesuffix(".")
    if item["type"] == "extra_forbidden":
        return f"unknown setting '{path}'{_nearest(str(item['loc'][-1]), known)}"
    if item["type"] == "missing":
        return f"missing setting '{path}'"
    if item["type"] == "value_error":  # raised by a check of ours over several settings
        return f"{path}: {item['ctx']['error']}" if path else str(item["ctx"]["error"])
    return f"setting '{path}' = {item['input']!r:.200}: {item['msg']}"


def _path(places: Sequence[str | int]) -> str:
    """Return a setting's path as the user wrote it: pydantic puts a corpus' reader into the path of its keys."""
    reader_at = {"corpora": 2, "corpus": 1}.get(str(places[0]) if places else "")
    return ".".join(str(place) for at, place in enumerate(places) if at != reader_at)


def _nearest(key: str, known: set[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f": did you mean '{near[0]}'?" if near else ""


def known_keys(model: Any) -> set[str]:
    """Return every key of the tree below a section type."""
    keys: set[str] = set()
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, field in model.model_fields.items():
            keys |= {name} | known_keys(field.annotation)
    for argument in get_args(model):
        keys |= known_keys(argument)
    return keys

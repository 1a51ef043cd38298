"""Checkpoints: written whole or not at all, read without running code."""

import json
import logging
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tavce.config import SettingsError, parse_sections
from tavce.files import whole
from tavce.records import InputError

log = logging.getLogger(__name__)


def save(path: str | Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all."""
    with whole(path) as part:
        torch.save(state, part)


def load(path: str | Path) -> dict[str, Any]:
    """Return a checkpoint, on the CPU.

    Raises:
        InputError: the file is not there, cut off, or holds more than tensors and plain values.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"checkpoint {path} is not there") from None
    except (RuntimeError, EOFError) as error:  # torch's words on it are of its own inside
        raise InputError(
            f"checkpoint {path} cannot be read, it is cut short or damaged: copy or make it anew"
        ) from error
    except (ValueError, pickle.UnpicklingError) as error:
        raise InputError(f"checkpoint {path} cannot be read: {str(error).splitlines()[0]}") from error


def load_same(path: Path, identity: str) -> dict[str, Any] | None:
    """Return the checkpoint of an interrupted run, or None where there is none of the same `identity`.

    One of other settings or data is kept under another name, never continued and never lost.
    """
    if not path.is_file():
        return None
    state = load(path)
    if state["identity"] == identity:
        return state
    aside = path.with_name(f"{path.stem}.{state['identity']}{path.suffix}")
    log.info("%s is of other settings or data: kept as %s", path, aside.name)
    os.replace(path, aside)
    return None


def section(path: str | Path, state: Mapping[str, Any], name: str) -> Any:
    """Return the typed section of the settings that a checkpoint was trained with.

    Raises:
        InputError: this version has other settings.
    """
    text = json.dumps({name: json.loads(state["settings"])[name]})
    try:
        return parse_sections(text)[name]
    except SettingsError as error:
        raise InputError(f"checkpoint {path} is of another version of this project, train it anew: {error}") from None


def stage(path: str | Path) -> str:
    """Return the stage whose network a checkpoint holds.

    Raises:
        InputError: it cannot be read.
    """
    return load(path)["stage"]

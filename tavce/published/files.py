"""Files of published weights, read without running code: PyTorch's (.pth, .pth.tar, .pt) and .safetensors.

A `module.` at the start of a name, which training on several GPUs leaves, is dropped.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from tavce import weights
from tavce.files import sha256
from tavce.records import InputError
from tavce.training import checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entries:
    """The entries of one network in a file."""

    where: str  # as messages name it
    entries: Mapping[str, Any]


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights and what is in it."""

    path: Path
    content: Mapping[str, Any]

    @classmethod
    def of(cls, name: str) -> "PublishedFile":
        """Return the file of a name in weights.yaml, and note its digest.

        Raises:
            InputError: it is missing, or `read` refuses it.
        """
        return cls.read(weights.path_of(name), name)

    @classmethod
    def read(cls, path: str | Path, name: str) -> "PublishedFile":
        """Return a file that should be a checkpoint of `name`, and note its digest.

        Raises:
            InputError: it is not there, cut off, holds more than tensors and plain values, or no entries at all.
        """
        path = Path(path)
        content = _safetensors(path) if path.suffix == ".safetensors" else checkpoint.load(path)
        if not isinstance(content, Mapping):
            raise InputError(f"{path} is no checkpoint of {name}: it holds a {type(content).__name__}, no entries")
        log.info("starting from %s, sha256 %s", path, sha256(path))
        return cls(path, content)

    def has(self, key: str) -> bool:
        """Return whether it holds entries under a key."""
        return isinstance(self.content.get(key), Mapping)

    def part(self, key: str) -> Entries:
        """Return the entries under a key.

        Raises:
            InputError: there are none.
        """
        if not self.has(key):
            raise InputError(f"{self.path} has no entries '{key}': it is another kind of checkpoint")
        return _entries(f"{self.path}, '{key}'", self.content[key])

    def whole(self) -> Entries:
        """Return all entries of a flat file."""
        return _entries(str(self.path), self.content)

    def below(self, prefix: str) -> Entries:
        """Return the entries of a flat file whose names start with `prefix.`, without it.

        Raises:
            InputError: there are none.
        """
        found = {name.removeprefix(f"{prefix}."): self.content[name] for name in self.names_below(prefix)}
        if not found:
            raise InputError(f"{self.path} has no entries '{prefix}.': it is another kind of checkpoint")
        return Entries(f"{self.path}, '{prefix}.'", found)

    def names_below(self, prefix: str) -> list[str]:
        """Return the names of a flat file that start with `prefix.`."""
        return [name for name in self.content if name.startswith(f"{prefix}.")]


def digests(names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of files of published weights by name.

    Raises:
        InputError: one is missing.
    """
    return {name: sha256(weights.path_of(name)) for name in names}


def identity(names: Iterable[str]) -> str:
    """Return what a run's inputs are besides the data: the files it starts from, nothing where it does from none.

    Raises:
        InputError: one is missing.
    """
    return "".join(f"-{digest[:16]}" for digest in digests(names).values())


def _entries(where: str, entries: Mapping[str, Any]) -> Entries:
    return Entries(where, {name.removeprefix("module."): entry for name, entry in entries.items()})


def _safetensors(path: Path) -> dict[str, Any]:
    try:
        return load_file(path, device="cpu")
    except FileNotFoundError:
        raise InputError(f"checkpoint {path} is not there") from None
    except SafetensorError as error:
        raise InputError(f"checkpoint {path} cannot be read: {error}") from error

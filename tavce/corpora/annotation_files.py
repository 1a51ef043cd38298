"""VoxCeleb's annotation files, `idNNNNN/<YouTube id>/NNNNN.txt`, where they lie: in zips, in folders, or in both.

They are read where they are: unpacked, VoxCeleb2's are 1.1 million files, more than many clusters let a user have.
What is kept of each is small (some 100 bytes), as there are so many.
"""

import logging
import os
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tavce.corpora import zips
from tavce.records import InputError

log = logging.getLogger(__name__)
ANNOTATION = re.compile(rb"(?:^|/)(id[^/]*/[^/]+/[^/]+\.txt)$")
LEFT = re.compile(r"(?:^|/)(?:\.|__MACOSX(?:/|$))")  # by file managers


class AnnotationFile(NamedTuple):
    """One annotation file and the place that it lies in: a zip, or the folder above its identity's."""

    name: str  # idNNNNN/<YouTube id>/NNNNN.txt
    place: str
    member: zips.Member | None  # None = a file of its own
    copy: int  # 1 for the first file of this name, 2 for the second, …
    first: str  # the place of the first

    @property
    def shown(self) -> str:
        """The name as text, which a file's name need not be."""
        return self.name.encode(errors="backslashreplace").decode()

    @property
    def where(self) -> str:
        """What a message calls the file."""
        return f"{self.place}/{self.shown}" if self.member is None else f"{self.shown} in {self.place}"


@dataclass
class AnnotationFiles:
    """All files of a corpus, ordered by name, then by place."""

    names: list[bytes] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    place_of: array = field(default_factory=lambda: array("I"))
    offsets: array = field(default_factory=lambda: array("q"))  # -1 = a file of its own
    packed_bytes: array = field(default_factory=lambda: array("Q"))
    crcs: array = field(default_factory=lambda: array("I"))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[AnnotationFile]:
        last, copy, first = b"", 0, ""
        for at in sorted(range(len(self)), key=self.names.__getitem__):
            name = self.names[at]
            place = self.places[self.place_of[at]]
            last, copy, first = (name, copy + 1, first) if name == last else (name, 1, place)
            offset = self.offsets[at]
            member = None if offset < 0 else zips.Member(offset, self.packed_bytes[at], self.crcs[at])
            yield AnnotationFile(os.fsdecode(name), place, member, copy, first)

    def add_zip(self, path: Path) -> None:
        """Add the annotation files in a zip."""
        self.places.append(str(path))
        others = 0
        for name, member in zips.members(path):
            if LEFT.search(os.fsdecode(name)):
                continue
            if found := ANNOTATION.search(name):
                self._add(found[1], len(self.places) - 1, member)
            else:
                others += 1
        if others:
            log.warning("%s: %d files in it are no annotations by their name", path, others)

    def add_folder(self, folder: Path, passed_by: re.Pattern[str]) -> None:
        """Add the annotation files in a folder and in the zips there, at any depth, zips of certain names aside.

        Raises:
            InputError: a folder cannot be read, or a zip is broken.
        """
        others = []
        for here, folders, files in os.walk(folder.absolute(), onerror=_refuse, followlinks=True):
            folders[:] = sorted(name for name in folders if not LEFT.match(name))
            for name in sorted(name for name in files if not LEFT.match(name)):
                path = os.path.join(here, name)
                if found := ANNOTATION.search(os.fsencode(path)):
                    place = path[: -len(os.fsdecode(found[1])) - 1]
                    if not self.places or self.places[-1] != place:
                        self.places.append(place)
                    self._add(found[1], len(self.places) - 1, zips.Member(-1, 0, 0))
                elif name.endswith(".zip") and not passed_by.search(name):
                    self.add_zip(Path(path))
                elif name.endswith((".txt", ".zip")):
                    others.append(path)
        if others:
            log.warning("%s: %d files are no annotations of this corpus, such as %s", folder, len(others), others[0])

    def _add(self, name: bytes, place: int, member: zips.Member) -> None:
        self.names.append(name)
        self.place_of.append(place)
        self.offsets.append(member.offset)
        self.packed_bytes.append(member.packed_bytes)
        self.crcs.append(member.crc)


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename} cannot be read: {error}") from error


def contents(files: Iterable[AnnotationFile]) -> Iterator[tuple[AnnotationFile, bytes | zips.DamagedError]]:
    """Yield every file with its bytes, or with what is wrong with the zip there.

    Raises:
        InputError: a file cannot be read.
    """
    opened: dict[str, int] = {}
    try:
        for file in files:
            try:
                if file.member is None:
                    yield file, Path(file.place, file.name).read_bytes()
                    continue
                if file.place not in opened:
                    opened[file.place] = os.open(file.place, os.O_RDONLY)
            except OSError as error:
                raise InputError(f"{file.where} cannot be read: {error}") from error
            try:
                yield file, zips.read(opened[file.place], file.member)
            except zips.DamagedError as error:
                yield file, error
    finally:
        for descriptor in opened.values():
            os.close(descriptor)

"""Find known archives in a folder by their files' names, and compare them with the published MD5.

Reads   the parts in --source
Writes  the sums found, each with its file's size and time, so that a file that did not change is read once
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tavce.archives.parts import md5
from tavce.archives.table import Archive
from tavce.files import read_json, write_json
from tavce.records import InputError

log = logging.getLogger(__name__)
NAMED = 20  # unknown files, at most
Record = dict[str, object]


@dataclass(frozen=True)
class Sum:
    """What the MD5 of some bytes is and should be."""

    expected: str | None  # None = not published
    found: str | None = None  # None = not needed: the sums of the parts say more
    at: str = ""  # when, UTC

    @property
    def right(self) -> bool:
        """Whether it is as published."""
        return self.found is not None and self.found == self.expected

    @property
    def wrong(self) -> bool:
        """Whether it is another than published."""
        return None not in (self.expected, self.found) and self.found != self.expected


@dataclass(frozen=True)
class Found:
    """One known archive in a folder."""

    name: str
    archive: Archive
    paths: tuple[Path, ...]  # of its parts in order, or of the one file they were joined to
    sums: tuple[Sum, ...]  # of `paths`
    whole: Sum
    problems: tuple[str, ...] = ()  # why it cannot be used

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(path.stat().st_size for path in self.paths)

    @property
    def as_published(self) -> bool:
        """Whether published sums say that every byte is right; False where not all have one."""
        return self.whole.right or all(one.right for one in self.sums)

    @property
    def verified_at(self) -> str:
        """When the last of its sums was taken, UTC."""
        return max(taken.at for taken in (*self.sums, self.whole))


class Sums:
    """The MD5 of files, kept over the ends of runs."""

    def __init__(self, path: Path):
        self._path = path
        self._kept: dict[str, Record] = read_json(path) if path.is_file() else {}

    def of(self, paths: Sequence[Path], expected: str | None) -> Sum:
        """Return the MD5 of files one after another; they are read only where one changed since they last were."""
        key = "\n".join(str(path.resolve()) for path in paths)
        stamp = [[path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
        kept = self._kept.get(key)
        if kept is None or kept["stamp"] != stamp:
            label = paths[0].name if len(paths) == 1 else f"{paths[0].name} … {paths[-1].name}"
            at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            self._kept[key] = kept = {"stamp": stamp, "md5": md5(paths, label), "at": at}
            write_json(self._path, self._kept)
        return Sum(expected, kept["md5"], kept["at"])


def find(source: Path, table: dict[str, Archive], only: Sequence[str]) -> list[Found]:
    """Return the known archives that have a file in a folder, or those asked for, not yet verified.

    Raises:
        InputError: the folder is none or holds no known archive, or one asked for is not known.
    """
    for name in only:
        if name not in table:
            raise InputError(f"--only {name}: no such archive is known: known are {', '.join(table)}")
    if not source.is_dir():
        raise InputError(f"--source {source} is no folder: name the one that holds the archives")
    files = {path.name for path in source.iterdir() if path.is_file()}
    homes = {file: name for name, archive in table.items() for file in (*archive.parts, *archive.joined)}
    unknown = sorted(files - homes.keys())
    if unknown:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        log.info("ignored, no file of a known archive: %s%s", ", ".join(unknown[:NAMED]), more)
    names = [name for name in table if name in (only or {homes[file] for file in files & homes.keys()})]
    if not names:
        raise InputError(f"--source {source} holds no file of a known archive: known are {', '.join(homes)}")
    return [_locate(name, table[name], source, files) for name in names]


def verify(found: Found, sums: Sums) -> Found:
    """Return an archive with its sums, and say in the log whether they are the published ones."""
    for problem in found.problems:
        log.warning("%s", problem)
    if found.problems:
        return found
    whole = found.whole
    if whole.expected and None in (one.expected for one in found.sums):
        whole = sums.of(found.paths, whole.expected)
        taken = found.sums
    else:
        taken = tuple(sums.of([path], one.expected) for path, one in zip(found.paths, found.sums, strict=True))
    files = ", ".join(path.name for path in found.paths)
    wrong = [(path.name, one) for path, one in zip(found.paths, taken, strict=True) if one.wrong]
    wrong += [(f"{files}, one after another", whole)] if whole.wrong else []
    problems = tuple(
        f"{found.name}: checksum wrong: the MD5 of {file} should be {one.expected} and is {one.found}: fetch it again "
        f"from {found.archive.access}"
        for file, one in wrong
    )
    for problem in problems:
        log.warning("%s", problem)
    found = replace(found, sums=taken, whole=whole, problems=problems)
    if not problems:
        covered = "as published" if found.as_published else "but no checksum is published that covers all of it"
        log.info("%s: complete, %s", found.name, covered)
    return found


def _locate(name: str, archive: Archive, source: Path, files: set[str]) -> Found:
    parts = tuple(source / file for file in archive.parts)
    missing = [file for file in archive.parts if file not in files]
    joined = next((file for file in archive.joined if file in files), None)
    if missing and joined:
        return Found(name, archive, (source / joined,), (Sum(archive.whole),), Sum(None))
    problems = ()
    if missing:
        problems = (f"{name}: parts missing in {source}: {', '.join(missing)}: ask for them at {archive.access}",)
    return Found(name, archive, parts, tuple(Sum(md5) for md5 in archive.parts.values()), Sum(archive.whole), problems)

"""`tavce archives`: verify archives of published corpora that the user has, and unpack them.

Reads   the archives in --source, which are never changed; what is known of them (workflow/config/archives.yaml)
Writes  --out: the members, `archives.json` (what was verified and unpacked, for a dataset's card), and in `.archives`
        what lets a second run go on
An archive that is not complete or not as published is named and not unpacked; the others are. Where one holds what
could do harm, or the disk has too little room, nothing is.
"""

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tavce import __version__
from tavce.archives.contents import opened
from tavce.archives.table import TABLE, table
from tavce.archives.unpack import State, missing_bytes, need_room, unpack
from tavce.archives.verify import Found, Record, Sums, find, verify
from tavce.files import digest, read_json, write_json
from tavce.records import InputError

log = logging.getLogger(__name__)
OUT = Path("store/archives")
STATE = ".archives"  # below --out


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    lines = [
        f"  {name:<13} {'*' if archive.read_in_place else ' '} {archive.holds}"
        for name, archive in table(TABLE).items()
    ]
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        (
            "known archives, in parts or joined to one file:",
            *lines,
            "* need not be unpacked, and is not unless --only names it: its corpus' reader takes the zip as it is",
        )
    )
    parser.add_argument("--source", required=True, help="folder that holds the archives; they are never changed")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these (default: all that are there)")
    parser.add_argument("--out", default=str(OUT), help="where to unpack them to (default: %(default)s)")
    parser.add_argument("--verify-only", action="store_true", help="unpack nothing")
    parser.add_argument("--table", default=str(TABLE), help="what is known of archives (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    """Verify the archives, unpack those that are as published, and write archives.json.

    Raises:
        InputError: an archive is not complete, not the published one, damaged or unsafe, or cannot be unpacked here.
    """
    out = Path(arguments.out)
    every = find(Path(arguments.source), table(arguments.table), arguments.only)
    with _alone(out):
        sums = Sums(out / STATE / "sums.json")
        every = [verify(found, sums) for found in every]
        good = [found for found in every if not found.problems]
        for found in good:
            _note(out, found)
        if not arguments.verify_only:
            _unpack(out, [found for found in good if arguments.only or not found.archive.read_in_place])
    problems = [problem for found in every for problem in found.problems]
    if problems:
        raise InputError("; ".join(problems))


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep a second run away from a folder.

    Raises:
        InputError: one is at work there, or the folder cannot be made.
    """
    try:
        (out / STATE).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be made ({error.strerror}): name another folder") from error
    try:
        with FileLock(out / STATE / "lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError(f"--out {out}: another `tavce archives` is at work there: wait for its end") from error


def _unpack(out: Path, every: Sequence[Found]) -> None:
    """Unpack archives, after a look into each of them and at the room that all of them take."""
    needed_bytes: dict[Path, int] = {}
    for found in every:
        log.info("%s: reading its list of members", found.name)
        folder = out / found.archive.folder
        with opened(found.name, found.archive, found.paths) as contents:
            needed_bytes[folder] = needed_bytes.get(folder, 0) + missing_bytes(contents, folder)
    need_room(needed_bytes)
    for found in every:
        began = time.monotonic()
        with opened(found.name, found.archive, found.paths) as contents:
            state = State(out / STATE / f"{found.name}.json", _key(found))
            written = unpack(contents, out / found.archive.folder, state)
            size = sum(member.size for member in contents.members)
            _note(out, found, {"members": len(contents.members), "bytes": size})
        rate = written / (time.monotonic() - began)
        log.info("%s: %d files written to %s, %.0f a second", found.name, written, out / found.archive.folder, rate)


def _note(out: Path, found: Found, unpacked: Record | None = None) -> None:
    """Say in archives.json what an archive is, and what was unpacked, now or before."""
    path = out / "archives.json"
    noted = read_json(path) if path.is_file() else {}
    before = noted.get(found.name, {})
    if unpacked:
        unpacked |= {"folder": found.archive.folder, "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    elif before.get("key") == _key(found):
        unpacked = before["unpacked"]
    parts = [
        {"file": path.name, "bytes": path.stat().st_size, "md5": one.found, "published_md5": one.expected}
        for path, one in zip(found.paths, found.sums, strict=True)
    ]
    noted[found.name] = {
        "corpus": found.archive.corpus,
        "licence": found.archive.licence,
        "access": found.archive.access,
        "parts": parts,
        "whole": {"md5": found.whole.found, "published_md5": found.whole.expected},
        "as_published": found.as_published,
        "verified_at": found.verified_at,
        "unpacked": unpacked,
        "key": _key(found),
        "tool_version": __version__,
    }
    write_json(path, noted)


def _key(found: Found) -> str:
    """Return what identifies an archive's bytes."""
    return digest([found.size, [one.found for one in found.sums], found.whole.found])

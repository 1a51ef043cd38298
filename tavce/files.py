"""Files appear whole or not at all, and have a digest."""

import argparse
import glob
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def input_file(path: str) -> str:
    """Return the path of a file that a command line names, as an argument's `type`.

    Raises:
        argparse.ArgumentTypeError: there is no such file.
    """
    if not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"{path} is not there: correct the path, or run the stage that writes it")
    return path


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that is renamed to it on success and removed on failure.

    The suffix is kept (`a.h5` → `a.part-host-1234.h5`), so that libraries which look at it still work. What a killed
    process of this machine left is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = f"{path.stem}.part-{socket.gethostname()}-"
    for left in path.parent.glob(f"{glob.escape(mark)}*{glob.escape(path.suffix)}"):
        if not _runs(left.name.removeprefix(mark).removesuffix(path.suffix)):
            left.unlink(missing_ok=True)
    part = path.with_name(f"{mark}{os.getpid()}{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _runs(pid: str) -> bool:
    """Return whether a process of this machine is alive; what is no process number is left alone."""
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all; NaN is refused with ValueError."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> object:
    """Return the JSON value in `path`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path: str | Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: object) -> str:
    """Return 16 hexadecimal digits that identify a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

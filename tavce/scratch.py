"""Copies of shard files on a node's own disk: a file crosses the network once a node and job, however often it is read.

TAVCE_SCRATCH names a folder of that disk; `$TMPDIR`, `$USER` and the like in it are expanded where the job runs. Where
it is not set, nothing is copied. What is wrong with it costs one warning: the shared file is read then.

Layout  {TAVCE_SCRATCH}/tavce-{host}-{job}/{dataset}-{stage}-{shard}.{digest}.h5, where the job is SLURM's, or `pid`
        and a number outside it, and the digest is of path, size and time of change: a changed file is copied anew
Life    every process that uses the folder holds a shared lock on its file `in-use`, which ends with the process. The
        last to leave removes the folder; that of processes which were killed goes when the next run looks into the
        same TAVCE_SCRATCH on the same host.
"""

import atexit
import errno
import fcntl
import glob
import logging
import multiprocessing
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tavce.files import digest, whole

log = logging.getLogger(__name__)
FREE = 0.05  # of the disk, which is left to others
CHUNK_BYTES = 16 * 2**20
IN_USE = "in-use"
REMOVED = ".removed-"  # marks a folder that is being removed


def enter() -> None:
    """Make the scratch ready, before loader processes are forked: they share its lock, and warn no second time."""
    _scratch(os.environ.get("TAVCE_SCRATCH", ""))


def local(path: str) -> str:
    """Return the path of this node's copy of a file, made now where there is none yet; `path` where there can be none.

    Raises:
        FileNotFoundError: there is no such file.
    """
    scratch = _scratch(os.environ.get("TAVCE_SCRATCH", ""))
    return path if scratch is None else scratch.local(path)


class Scratch:
    """The copies of one job on this node."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._usable = True
        self._warned = False

    def local(self, path: str) -> str:
        """Return what `local` returns; processes that ask for files not yet copied wait for each other."""
        with open(path, "rb") as source:
            found = os.fstat(source.fileno())
            copy = self._folder / _name(Path(os.path.abspath(path)), found)
            if not copy.exists():
                if not self._usable:
                    return path
                try:
                    with _locked(self._folder / "copying"):
                        self._copy(source, found.st_size, copy)
                except OSError as error:
                    self._usable = error.errno == errno.ENOSPC  # another file may be smaller
                    self._warn(error)
                    return path
        return str(copy)

    def _copy(self, source: BinaryIO, size: int, copy: Path) -> None:
        if copy.exists():
            return
        disk = shutil.disk_usage(self._folder)
        if disk.free - size < FREE * disk.total:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with whole(copy) as part, open(part, "wb") as target:
            shutil.copyfileobj(source, target, CHUNK_BYTES)

    def _warn(self, error: OSError) -> None:
        """Warn, if this process and the others of the job on this node have not yet."""
        if self._warned:
            return
        self._warned = True
        try:
            (self._folder / "warned").touch(exist_ok=False)
        except FileExistsError:
            return
        except OSError as worse:
            error = worse
        _complain(self._folder, error)


def _name(path: Path, found: os.stat_result) -> str:
    known_by = "-".join(path.parts[1:][-3:])
    key = digest([str(path), found.st_size, found.st_mtime_ns])
    return f"{known_by.removesuffix(path.suffix)}.{key}{path.suffix}"


def _complain(folder: Path, error: OSError) -> None:
    log.warning(
        "scratch %s: %s: shards are read from where they lie; free space there, name another folder with "
        "TAVCE_SCRATCH, or unset it",
        folder,
        error.strerror or error,
    )


@lru_cache(maxsize=1)
def _scratch(name: str) -> Scratch | None:
    """Return the scratch in the folder of that name, variables in it expanded; None where there is none."""
    if not name:
        return None
    root = Path(os.path.expandvars(name))
    try:
        folder = _join(root)
    except OSError as error:
        _complain(root, error)
        return None
    return Scratch(folder)


def _join(root: Path) -> Path:
    """Return this job's folder below `root`, in use by this process until it ends; remove what killed jobs have left.

    Raises:
        OSError: `root` is not there, or cannot be written to.
    """
    common = f"tavce-{socket.gethostname()}-"
    for left in root.glob(f"{glob.escape(common)}*"):
        _remove_left(left)
    main = multiprocessing.parent_process()
    folder = root / f"{common}{os.environ.get('SLURM_JOB_ID') or f'pid{main.pid if main else os.getpid()}'}"
    if not folder.exists():
        log.info("shards are copied to %s and read there", folder)
    lock = None
    while lock is None:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = _use(folder)
    atexit.register(_leave, folder, lock, os.getpid())
    return folder


def _use(folder: Path) -> int | None:
    """Return an open file that keeps a folder in use; None where another process has just removed the folder."""
    with suppress(FileNotFoundError):
        lock = os.open(folder / IN_USE, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        if (folder / IN_USE).exists() and os.path.samestat(os.stat(folder / IN_USE), os.fstat(lock)):
            return lock
        os.close(lock)
    return None


def _leave(folder: Path, lock: int, pid: int) -> None:
    """Remove the folder unless other processes use it; a forked process leaves that to the one it was forked from."""
    if os.getpid() == pid:
        _remove_unused(folder, lock)


def _remove_left(folder: Path) -> None:
    if REMOVED in folder.name:
        shutil.rmtree(folder, ignore_errors=True)
        return
    with suppress(OSError):  # another user's, or not yet in use
        lock = os.open(folder / IN_USE, os.O_RDWR)
        try:
            _remove_unused(folder, lock)
        finally:
            os.close(lock)


def _remove_unused(folder: Path, lock: int) -> None:
    """Remove a folder if no other process holds its lock: first its name, so that nobody enters it any more."""
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        removed = folder.with_name(f"{folder.name}{REMOVED}{os.getpid()}")
        os.rename(folder, removed)
        shutil.rmtree(removed, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Within: no other process is in a block of the same path."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""What one node sees: this Python, the working folder, locks, scratch, a GPU, the network. Runs as a job."""

import importlib
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

LIBRARIES = ("tavce", "snakemake", "h5py", "torch")
INTERNET = ("www.youtube.com", 443)
PATIENCE_S = 10


def look(scratch: str | None, gpu: bool) -> dict[str, Any]:
    """Return what this node can do; an entry is true, false, or what went wrong in words."""
    return {
        "host": socket.gethostname(),
        "libraries": _try(_import_all),
        "lock": _try(_lock),
        "scratch": None if scratch is None else _try(lambda: _write(Path(os.path.expandvars(scratch)))),
        "internet": _try(lambda: socket.create_connection(INTERNET, PATIENCE_S).close()),
        "gpu": _try(_gpu) if gpu else None,
    }


def _try(work: Callable[[], object]) -> str | bool:
    """Return True where it works, else the reason."""
    try:
        work()
    except (OSError, ImportError, RuntimeError, Timeout) as error:
        return f"{type(error).__name__}: {error}".strip()
    return True


def _import_all() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)


def _lock() -> None:
    """Take a lock in the working folder, as MLflow's store and shard files do.

    Raises:
        OSError: the file system has no locks.
    """
    with FileLock(f"tavce-check-{os.getpid()}.lock", timeout=PATIENCE_S) as lock:
        pass
    Path(lock.lock_file).unlink(missing_ok=True)


def _write(folder: Path) -> None:
    """Write a file into a folder.

    Raises:
        OSError: it cannot be made or written.
        RuntimeError: less than 1 GB is free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"tavce-check-{os.getpid()}"
    file.write_bytes(b"tavce")
    file.unlink()
    if shutil.disk_usage(folder).free < 10**9:
        raise RuntimeError(f"less than 1 GB is free in {folder}")


def _gpu() -> None:
    """Use a GPU.

    Raises:
        RuntimeError: torch sees none.
    """
    torch = importlib.import_module("torch")
    if not torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise RuntimeError(f"torch {torch.__version__} sees no GPU, CUDA_VISIBLE_DEVICES={visible}")
    torch.ones(1, device="cuda").sum().item()

"""`python -m …` in processes of their own, forked from one that has imported what learning needs: seconds less each.

Signals, environment, folder, exit status and what is done at exit are as when `subprocess` starts them.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path

IMPORTED = (
    "lightning_fabric",
    "mlflow.store.tracking.sqlalchemy_store",
    "torch.distributed.fsdp",
    "tavce.generator.audio2exp",
    "tavce.generator.audio2pose",
    "tavce.generator.renderer",
    "tavce.metric.train",
)
NUMBERS = count()
PAUSE_S = 0.005


class Forked:
    """A process, with what tests use of `subprocess.Popen`."""

    def __init__(self, pid: int, status: Path):
        self.pid = pid
        self._status = status

    def poll(self) -> int | None:
        """Return the exit status, minus the signal's number where one has ended it, None while it runs."""
        return int(self._status.read_text()) if self._status.exists() else None

    def wait(self, timeout: float) -> int:
        """Return the exit status; `subprocess.TimeoutExpired` where there is none within so many seconds."""
        until = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(PAUSE_S)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal to the process if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)


def start(words: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> Forked:
    """Start `python -m words…` in a session of its own; what it says is appended to `log`."""
    server, statuses = _server()
    status = statuses / str(next(NUMBERS))
    request = {"words": list(words), "cwd": str(cwd), "env": dict(env), "log": str(log)}
    server.stdin.write(json.dumps([str(status), request]) + "\n")
    server.stdin.flush()
    return Forked(int(server.stdout.readline()), status)


@cache
def _server() -> tuple[subprocess.Popen, Path]:
    """Start the process that forks, which ends with this one; return it, and a folder for exit statuses."""
    folder = tempfile.TemporaryDirectory(prefix="forked-")
    atexit.register(folder.cleanup)
    command, environment = [sys.executable, str(Path(__file__))], {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, start_new_session=True, **pipes), Path(folder.name)


def _serve() -> None:
    """Run every request in a process whose parent only waits for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        status, request = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            pid = os.fork()
            if pid == 0:
                _run(**request)
            os.write(sys.stdout.fileno(), f"{pid}\n".encode())
            Path(f"{status}.tmp").write_text(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
            os.rename(f"{status}.tmp", status)
            os._exit(0)


def _run(words: list[str], cwd: str, env: dict[str, str], log: str) -> None:
    """Be `python -m words…`."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.path[:0] = ["", *env.get("PYTHONPATH", "").split(os.pathsep)]
    with open(os.devnull, "rb") as nothing, open(log, "ab") as said:
        for number, file in enumerate((nothing, said, said)):
            os.dup2(file.fileno(), number)
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    gc.freeze()  # else every process copies all of it when it is collected
    _serve()

"""A process of a job that asks for files of the shared disk, and says where it reads them."""

import json
import os
import subprocess
import sys
from pathlib import Path

READER = """
import json, logging, sys
from tavce import scratch

def read():
    return next(int(line.split()[1]) for line in open("/proc/self/io") if line.startswith("rchar"))

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
scratch.enter()
print("ready", flush=True)
for line in sys.stdin:
    before = read()
    near = scratch.local(line.strip())
    print(json.dumps([near, read() - before]), flush=True)
"""


class Reader:
    """A process of a job that asks for files."""

    def __init__(self, root: Path | str, job: str = "77", **environment: str):
        told = {**os.environ, "TAVCE_SCRATCH": str(root), "SLURM_JOB_ID": job, **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-c", READER], env=told, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, path: Path) -> None:
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()

    def answer(self) -> tuple[Path, int]:
        """Return where the file is read, and how many bytes the process has read to find that out."""
        near, read = json.loads(self.process.stdout.readline())
        return Path(near), read

    def near(self, path: Path) -> Path:
        self.ask(path)
        return self.answer()[0]

    def end(self) -> str:
        """Let the process end; return what it has said."""
        said = self.process.communicate(timeout=60)[1]
        assert self.process.returncode == 0
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)

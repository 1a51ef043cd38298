"""Facts about the pool: the processes that read annotations end with the one that collects."""

import subprocess
import sys

import psutil

COLLECTS = """
import time
from tavce.corpora.pool import in_order
print(next(in_order(abs, [1, 2, 3])), flush=True)
time.sleep(60)
"""


def test_processes_end_with_the_one_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", COLLECTS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "(1, 1)\n"
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert children
    assert psutil.wait_procs(children, timeout=20)[1] == []

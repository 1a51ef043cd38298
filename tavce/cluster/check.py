"""`make slurm-check`: what on this cluster does not fit the profile, before ten thousand jobs fail.

Asks SLURM, then starts one small job in each partition that looks from inside a node.
"""

import argparse
import getpass
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tavce.cluster import partitions, probe
from tavce.cluster.findings import Finding, Kind, bad, good, note
from tavce.cluster.site import SITE, Site, site
from tavce.files import read_json, write_json

PROFILE = SITE.with_name("config.yaml")
CLIENTS = ("sbatch", "squeue", "scontrol", "sinfo", "scancel")
ANSWER_S = 60
MIN_JOB_AGE_S = 120


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--wait", type=int, default=600, help="seconds to wait for the jobs; 0 = start none")
    parser.add_argument("--probe", metavar="FILE", help=argparse.SUPPRESS)  # what the jobs run
    parser.add_argument("--gpu", action="store_true", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> None:
    """Print the findings; end with status 1 where one is bad.

    Raises:
        SettingsError: the site's settings cannot be used.
    """
    here = site()
    if arguments.probe:
        write_json(arguments.probe, probe.look(here.scratch, arguments.gpu))
        return
    worst = False
    for finding in check(here, arguments.wait):
        sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()
        worst |= finding.kind is Kind.BAD
    if worst:
        raise SystemExit(1)


def check(here: Site, wait_s: int) -> Iterator[Finding]:
    """Yield all findings."""
    missing = [name for name in CLIENTS if shutil.which(name) is None]
    if missing:
        yield bad(f"{', '.join(missing)} not found: run this on a login node of the cluster")
        return
    if _ask("scontrol", "ping") is None:
        yield bad("the controller does not answer `scontrol ping`: try again later, or ask the administrators")
        return
    yield good(f"controller answers ({_ask('sinfo', '--version').strip()})")
    yield from accounting(here)
    stages = yaml.safe_load(PROFILE.read_text(encoding="utf-8"))["__variables__"]["stages"]
    kinds = partitions.parse(_ask("sinfo", "-h", "-o", partitions.FORMAT) or "")
    found = list(partitions.findings(kinds, here, stages))
    yield from found
    yield from tracking()
    if wait_s and not any(finding.kind is Kind.BAD for finding in found):
        for gpu, partition in ((False, here.cpu_partition), (True, here.gpu_partition)):
            yield from look_inside(here, partition, gpu, wait_s)


def accounting(here: Site) -> Iterator[Finding]:
    """Yield whether jobs' states can be had, and whether the account is one of the user's."""
    age = next((line for line in (_ask("scontrol", "show", "config") or "").splitlines() if "MinJobAge" in line), "")
    seconds = int("".join(filter(str.isdigit, age)) or 0)
    if _ask("sacct", "-X", "-n", "-S", "now") is not None:
        yield good("accounting answers: states come from sacct")
    elif seconds >= MIN_JOB_AGE_S:
        yield note(f"no accounting: states come from squeue, which forgets a job after {seconds} s")
    else:
        yield bad(f"no accounting, and squeue forgets a job after {seconds} s: ask for MinJobAge=300 or slurmdbd")
    if here.account:
        listing = _ask("sacctmgr", "-n", "-P", "show", "assoc", f"user={getpass.getuser()}", "format=account")
        known = sorted(set((listing or "").split()))
        if known and here.account not in known:
            yield bad(f"account '{here.account}' is none of yours: {', '.join(known)}")


def tracking() -> Iterator[Finding]:
    """Yield where runs are tracked."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        yield note(
            "runs go to results/mlflow.db, written from several nodes: with a server, export MLFLOW_TRACKING_URI"
        )


def look_inside(here: Site, partition: str, gpu: bool, wait_s: int) -> Iterator[Finding]:
    """Yield what a small job in a partition sees; its files are removed."""
    folder = Path.cwd() / f".tavce-check-{os.getpid()}"
    folder.mkdir()
    answer = folder / f"{'gpu' if gpu else 'cpu'}.json"
    try:
        yield from _inside(here, partition, gpu, wait_s, answer)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _inside(here: Site, partition: str, gpu: bool, wait_s: int, answer: Path) -> Iterator[Finding]:
    command = f"{sys.executable} -m tavce slurm_check --probe {answer}{' --gpu' if gpu else ''}"
    options = ["--parsable", "-p", partition, "-t", "5", "--mem", "2000", "-o", str(answer.with_suffix(".log"))]
    options += ["-A", here.account] if here.account else []
    options += ["--qos", here.qos] if here.qos else []
    options += ["--gres", ":".join(filter(None, ["gpu", here.gpu_type, "1"]))] if gpu else []
    done = subprocess.run(["sbatch", *options, "--wrap", command], capture_output=True, text=True, timeout=ANSWER_S)
    if done.returncode:
        yield bad(f"{partition} takes no job: {done.stderr.strip()}")
        return
    job = done.stdout.strip().split(";")[0]
    state = _wait_for(job, wait_s)
    if state in ("PENDING", "RUNNING"):
        subprocess.run(["scancel", job], timeout=ANSWER_S, check=False)
        does = "waits" if state == "PENDING" else "runs"
        yield note(f"{partition}: the job still {does} after {wait_s} s and is cancelled; look again later")
    elif not answer.is_file():
        log = answer.with_suffix(".log")
        said = log.read_text(errors="replace").strip().splitlines()[-1:] if log.is_file() else []
        where = f"does a node of {partition} see {Path.cwd()} and {sys.prefix}? Both must be on shared storage"
        yield bad(f"{partition}: the job ({state}) left no answer: {where}. {' '.join(said)}")
    else:
        yield from judge(partition, read_json(answer))


def judge(partition: str, seen: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is to be said of a node's answer."""
    name = f"{partition}, node {seen['host']}"
    yield good(f"{name}: sees the working folder and {sys.prefix}")
    remedies = {
        "libraries": (bad, "the environment is not whole on the node: put it on shared storage, or make it there"),
        "lock": (bad, "no file locks in the working folder: use another one, or export HDF5_USE_FILE_LOCKING=FALSE"),
        "scratch": (note, "scratch cannot be used, shards are read where they lie: correct `scratch` in site.yaml"),
        "internet": (note, "no internet on the node: where downloads are needed, set rules.download.slurm_partition"),
        "gpu": (bad, "no GPU can be used: install a CUDA build of torch, or correct gpu_partition and gpu_type"),
    }
    for what, (kind, remedy) in remedies.items():
        if seen[what] is True:
            yield good(f"{name}: {what}")
        elif seen[what] is not None:
            yield kind(f"{name}: {remedy} ({seen[what]})")


def _wait_for(job: str, wait_s: int) -> str:
    """Return the state of a job that has ended, or that it has after `wait_s`."""
    give_up = time.monotonic() + wait_s
    while True:
        state = (_ask("squeue", "-h", "-j", job, "-t", "all", "-o", "%T") or "").strip()
        if state not in ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING"):
            return state or "gone"
        if time.monotonic() > give_up:
            return "PENDING" if state == "PENDING" else "RUNNING"
        time.sleep(1)


def _ask(*command: str) -> str | None:
    """Return what a client says, None where it fails or does not answer."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

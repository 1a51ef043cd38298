"""A copy of the repository on the cluster, in which `snakemake --profile slurm` runs a small demo."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import h5py
import psutil
import yaml
from cluster import Cluster, wait_until
from project import REPOSITORY, copy_repository

from tavce.data.counts import STAGES_IN_ORDER
from tavce.records import read_records

SETTINGS = [REPOSITORY / "workflow/config/paper.yaml", REPOSITORY / "workflow/config/demo.yaml"]
SHORT = REPOSITORY / "tests/slurm/short.yaml"
SMALL = {"mem_mb": 1200, "runtime": 10}
LEARNING = {"mem_mb": 3500, "runtime": 10, "threads": 1}  # a node's four cores are two in truth
SITE = {
    "check_seconds": 1,
    "gpu_type": "h100",
    "rules": {
        **dict.fromkeys(
            ("render_demo", "download", "trim", "crop", "quality", "mel", "basis", "motion", "index", "card", "funnel"),
            SMALL,
        ),
        **dict.fromkeys(
            ("train_metric", "train_audio2exp", "train_audio2pose", "train_renderer", "synthesise"), LEARNING
        ),
        "detect": {"mem_mb": 1500, "runtime": 10},
        "listen": {"mem_mb": 3000, "runtime": 10, "threads": 1},
        "score": {"mem_mb": 3000, "runtime": 10, "threads": 1},
        "check_metrics": {"mem_mb": 3000, "runtime": 10},
        "write_tables": SMALL,
        "report": SMALL,
    },
}
FACES = [f"results/demo/{stage}/{shard}.h5" for stage in ("detect", "crop") for shard in ("0000", "0001")]
UNFINISHED = re.compile(r"\.part-|\.tmp$")


@dataclass
class Place:
    """A folder with the repository's files and, below it, results."""

    folder: Path
    cluster: Cluster | None  # None: this machine alone
    running: list[subprocess.Popen] = field(default_factory=list)

    def configure(self, **site: object) -> None:
        """Write the site's settings, with changes."""
        text = yaml.safe_dump({**SITE, **site})
        (self.folder / "profiles/slurm/site.yaml").write_text(text, encoding="utf-8")

    def copy(self, folder: Path) -> "Place":
        """Copy everything, times included, but what was said."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("said.txt"))
        return Place(folder, self.cluster)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """Start Snakemake in the folder, with the profile for SLURM where there is a cluster; what it says goes to
        `said.txt`."""
        how = ["--profile", "slurm"] if self.cluster else ["--cores", "2"]
        configuration = ["--configfile", *map(str, SETTINGS), str(SHORT)]
        command = [sys.executable, "-m", "snakemake", *how, *arguments, *configuration]
        variables = {**(self.cluster.environment if self.cluster else os.environ), "PYTHONPATH": str(self.folder)}
        variables |= {"OMP_NUM_THREADS": "1", **environment}
        with open(self.folder / "said.txt", "a", encoding="utf-8") as said:
            process = subprocess.Popen(command, cwd=self.folder, env=variables, stdout=said, stderr=said)
        self.running.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> str:
        """Run it to its end, which must be a good one; return what it said."""
        before = len(self.said)
        process = self.start(*arguments, **environment)
        assert process.wait(timeout=900) == 0, self.said[before:]
        return self.said[before:]

    @property
    def said(self) -> str:
        """What every Snakemake here has said so far."""
        path = self.folder / "said.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def stop(self) -> None:
        """End what still runs."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()

    def forget_faces(self) -> None:
        """Remove what `detect` and `crop` made, so that four jobs are to be done."""
        for path in FACES:
            (self.folder / path).unlink()
            (self.folder / path).with_suffix(".jsonl").unlink()

    def find_faces(self, *arguments: str) -> subprocess.Popen:
        """Start Snakemake on what was forgotten."""
        return self.start(*FACES, *arguments)

    def hold(self, stage: str) -> tuple[str, psutil.Process]:
        """Wait until a job of a stage works on its output, and suspend it there; return its number and the process."""
        held: list[psutil.Process] = []

        def found() -> bool:
            at_work = (process for process in stage_processes(stage, self.folder) if suspend_at_work(process))
            held.extend(islice(at_work, 1))
            return bool(held)

        wait_until(found, f"a job of {stage} at work", pause_s=0.02)
        return held[0].environ()["SLURM_JOB_ID"], held[0]

    def submitted(self) -> list[str]:
        """Return the numbers of all jobs that were submitted from here."""
        return re.findall(r"submitted with SLURM jobid (\d+)", self.said)

    def states(self) -> dict[str, str]:
        """Return job → state, from the accounting, of all jobs that were submitted from here."""
        known = dict(self.cluster.jobs("JobIdRaw", "State"))
        return {job: known[job].split()[0] for job in self.submitted() if job in known}


def stage_processes(stage: str, folder: Path) -> Iterator[psutil.Process]:
    """Yield the processes of a stage in a folder that are not suspended."""
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        about = process.info
        its_own = (about["cmdline"] or [])[1:4] == ["-m", "tavce", stage] and about["cwd"] == str(folder)
        if its_own and about["status"] != psutil.STATUS_STOPPED:
            yield process


def suspend_at_work(process: psutil.Process) -> bool:
    """Suspend a stage's process if it has begun its output and not ended it; return whether it did."""
    try:
        words = process.cmdline()
        out = Path(process.cwd(), words[words.index("--out") + 1])
        process.suspend()
        if any(out.parent.glob(f"{out.stem}.part-*")):
            return True
        process.resume()
    except psutil.NoSuchProcess:
        pass
    return False


def finished_run(folder: Path, cluster: Cluster | None) -> Place:
    """Copy the repository and run everything."""
    copy_repository(folder)
    place = Place(folder, cluster)
    place.configure()
    place.run("all")
    return place


def arrays(folder: Path) -> dict[str, object]:
    """Return every array and record of the data stages by file and name."""
    found: dict[str, object] = {}
    for path in sorted(folder.glob("results/demo/*/*.h5")):
        key = str(path.relative_to(folder))
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, key=key: found.update(
                    {f"{key} {name}": item[()].tobytes() if isinstance(item, h5py.Dataset) else dict(item.attrs)}
                )
            )
    for path in sorted(folder.glob("results/demo/*/*.jsonl")):
        found[str(path.relative_to(folder))] = path.read_text(encoding="utf-8")
    return found


def counts_add_up(folder: Path) -> bool:
    """Return whether every stage has one record for every clip of the sheet."""
    sheet = sorted(
        json.loads(line)["clip_id"]
        for path in (folder / "results/demo/sheet").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    stages = [stage for stage in STAGES_IN_ORDER if stage not in ("sheet", "index")]
    return all(
        sorted(
            record.clip_id
            for path in (folder / "results/demo" / stage).glob("*.jsonl")
            for record in read_records(path)
        )
        == sheet
        for stage in stages
    )


def unfinished(folder: Path) -> list[Path]:
    """Return files that a writer has left half-written."""
    return [path for path in (folder / "results").rglob("*") if UNFINISHED.search(path.name)]


def same_results(place: Place, undisturbed: Place) -> None:
    """Assert that nothing tells the place from one in which nothing went wrong."""
    assert arrays(place.folder) == arrays(undisturbed.folder)
    assert counts_add_up(place.folder)
    assert unfinished(place.folder) == []


def interrupt(process: subprocess.Popen, number: signal.Signals) -> int:
    """Send a signal to a Snakemake and return its exit status."""
    os.kill(process.pid, number)
    return process.wait(timeout=120)


def eventually(place: Place, true: Callable[[], object], what: str, patience_s: float = 120) -> None:
    """Wait for something in a place; when it does not come, show what Snakemake said."""
    try:
        wait_until(true, what, patience_s)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{place.said[-6000:]}") from None

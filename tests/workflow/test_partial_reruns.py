"""Facts about partial reruns of a real corpus: which jobs run, which files are written, and which of them change."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from project import CORPUS, VIDEOS, Project, names, read_jobs, run

from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip
from tavce.fetch.ledger import read
from tavce.fetch.server import serve
from tavce.records import read_rows

pytestmark = pytest.mark.slow
GATE = "results/gate/gate.json"
STAGES = ("crop", "detect", "download", "mel", "motion", "quality", "trim")
AFTER_CROP = ("mel", "motion", "quality")
AFTER = ["funnel", "gate", "index mine"]
SETTINGS = {
    "download": {"attempts": 1, "reserve_gb": 0},
    "trim": {"min_frames": 20},
    "crop": {"size_px": 64, "mouth_px": 24},
    "metrics": {"paper": {"mouth_px": 24, "perceptual": "mobilenetv2"}},
    "motion": {"expression": 8},
    "gate": {"train": 1, "val": 1, "test": 1},
    "score": {"tavc": None},  # no metric is trained
}
SHORT, ABSENT, NEW = "b.mp4", "g.mp4", "h.mp4"
PATIENCE_S = 60


@dataclass(frozen=True)
class Rerun:
    """What a rerun did: its jobs, its exit status, and the data files it wrote and those whose contents changed."""

    jobs: list[str]
    status: int
    written: set[str]
    changed: set[str]
    said: str


@dataclass(frozen=True)
class Corpus:
    """Seven videos in a .tsv and two shards: one is cut too short, one is behind a url that gives nothing yet."""

    project: Project
    served: Path
    video: Path

    def run(self, *arguments: str) -> Rerun:
        """Run Snakemake."""
        return self._watch(self.project.command("--cores", "2", *arguments))

    def redo(self, *choice: str, run: tuple[str, ...] = (GATE,)) -> Rerun:
        """Run `tavce redo`."""
        words = self.project.command("--cores", "2", *run)[3:]
        return self._watch([sys.executable, "-m", "tavce", "redo", *choice, "--", *words])

    def shard(self, name: str) -> str:
        """Return the shard of a video."""
        sheets = sorted((self.project.folder / "results/mine/sheet").glob("*.jsonl"))
        (shard,) = {path.stem for path in sheets for row in read_rows(path) if row.source.endswith(name)}
        return shard

    def _watch(self, command: list[str]) -> Rerun:
        before = self._files()
        done = run(command, self.project.folder, self.project.environment)
        after = self._files()
        written = {name for name in after if after[name] != before.get(name)}
        changed = {name for name in after if after[name][1:] != before.get(name, ())[1:]}
        said = done.stdout + done.stderr
        return Rerun(names(read_jobs(said)), done.returncode, written, changed, said)

    def _files(self) -> dict[str, tuple[int, str]]:
        """Return time and digest of every file that a stage made; the sheet, MLflow and journals are not looked at."""
        folder = self.project.folder
        files = [path for part in ("results", "store") for path in (folder / part).rglob("*") if path.is_file()]
        kept = {
            path.relative_to(folder): path
            for path in files
            if not {"sheet", "mlflow", "ledger", "hosts"} & {*path.parts}
        }
        return {
            str(name): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
            for name, path in kept.items()
            if not name.name.startswith(("mlflow.", "."))
        }


@pytest.fixture(scope="module")
def _made(tmp_path_factory) -> Iterator[Corpus]:
    folder = tmp_path_factory.mktemp("partial")
    clip = replace(plan(4, ClipsPerSpeaker(1, 1, 1), seed=0)[0], sentence="Five apples and a wooden boat.")
    video = render_clip(clip, tmp_path_factory.mktemp("rendered"))
    served = tmp_path_factory.mktemp("served")
    (folder / "videos").mkdir()
    for name in VIDEOS:
        shutil.copyfile(video, folder / "videos" / name)
    with serve(str(served)) as url:
        lines = [f"videos/{name}\t{name[0]}\t{0.4 if name == SHORT else ''}" for name in VIDEOS]
        table = "\n".join(["path\tspeaker\tend", *lines, f"{url}/{ABSENT}\tg\t", ""])
        (folder / "clips.tsv").write_text(table, encoding="utf-8")
        corpus = Corpus(Project(folder), served, video)
        corpus.project.configure(corpora={"mine": {**CORPUS, "source": "clips.tsv"}}, **SETTINGS)
        corpus.project.snakemake("--cores", "2", "--no-hooks", GATE)
        yield corpus


@pytest.fixture
def corpus(_made, tmp_path) -> Corpus:
    """The corpus after its data stages."""
    shutil.copytree(_made.project.folder, tmp_path / "corpus")
    (_made.served / ABSENT).unlink(missing_ok=True)
    return replace(_made, project=Project(tmp_path / "corpus"))


def outputs(shard: str, *stages: str) -> set[str]:
    """Return the files that stages write for a shard."""
    kinds = {stage: ("jsonl",) if stage in ("download", "quality") else ("h5", "jsonl") for stage in stages}
    return {f"results/mine/{stage}/{shard}.{kind}" for stage in stages for kind in kinds[stage]}


def jobs(shard: str, *stages: str) -> list[str]:
    """Return the names of the stages' jobs of a shard."""
    return [f"{stage} mine {shard}" for stage in stages]


def test_a_stage_from_here_on_gives_the_same_files_and_fits_no_basis(corpus):
    rerun = corpus.run(GATE, "--forcerun", "crop")
    both = [name for shard in ("0000", "0001") for name in jobs(shard, "crop", *AFTER_CROP)]
    assert rerun.jobs == sorted([*both, *AFTER])
    assert rerun.changed == set()


def test_one_shard_of_a_stage_writes_that_shard_and_what_is_made_of_all_of_them(corpus):
    rerun = corpus.run(GATE, "--forcerun", "results/mine/crop/0001.h5")
    assert rerun.jobs == sorted([*jobs("0001", "crop", *AFTER_CROP), *AFTER])
    assert {name for name in rerun.written if name.endswith(".h5")} == {
        "results/mine/crop/0001.h5",
        "results/mine/mel/0001.h5",
        "results/mine/motion/0001.h5",
    }
    assert rerun.changed == set()


def test_one_video_is_its_shard_and_nothing_follows_where_all_came_out_the_same(corpus):
    rerun = corpus.redo("--video", "videos/a.mp4")
    shard = corpus.shard("a.mp4")
    assert rerun.jobs == jobs(shard, *STAGES)
    assert rerun.written == outputs(shard, *STAGES)
    assert rerun.changed == set()


def test_one_dataset_from_a_stage_on_is_all_its_shards(corpus):
    rerun = corpus.redo("--dataset", "mine", "--stage", "crop")
    assert rerun.jobs == sorted(jobs("0000", "crop", *AFTER_CROP) + jobs("0001", "crop", *AFTER_CROP))
    assert rerun.changed == set()


def test_a_failed_download_is_tried_again_and_changes_nothing_where_it_fails_again(corpus):
    rerun = corpus.redo("--reason", "unavailable")
    shard = corpus.shard(ABSENT)
    assert rerun.jobs == jobs(shard, "download")
    assert rerun.written == outputs(shard, "download")
    assert rerun.changed == set()
    journal = read(corpus.project.folder / f"store/ledger/mine/{shard}.jsonl")
    assert [entry.reason for entry in journal if entry.event == "lost"] == ["unavailable", "unavailable"]


def test_a_failed_download_that_works_now_goes_on_through_its_shard(corpus):
    shutil.copyfile(corpus.video, corpus.served / ABSENT)
    rerun = corpus.redo("--reason", "unavailable")
    shard = corpus.shard(ABSENT)
    assert rerun.jobs == sorted([*jobs(shard, *STAGES), *AFTER])
    other = {"0000": "0001", "0001": "0000"}[shard]
    assert outputs(shard, *STAGES) <= rerun.changed
    assert not outputs(other, *STAGES) & rerun.written
    again = corpus.redo("--reason", "unavailable")
    assert (again.status, again.jobs, again.written) == (2, [], set())
    assert "no clip was dropped as unavailable" in again.said
    raw = [path for path in (corpus.project.folder / "store/raw/mine").rglob("*") if path.is_file()]
    times = [path.stat().st_mtime_ns for path in raw]
    assert corpus.redo("--video", f"{_url(corpus)}").status == 0
    assert [path.stat().st_mtime_ns for path in raw] == times


def test_the_drops_of_a_reason_are_the_stage_that_dropped_them(corpus):
    rerun = corpus.redo("--reason", "too_short")
    shard = corpus.shard(SHORT)
    assert rerun.jobs == jobs(shard, "trim")
    assert rerun.written == outputs(shard, "trim")
    assert rerun.changed == set()


def test_a_dry_run_writes_nothing_and_shows_the_most_that_can_follow(corpus):
    rerun = corpus.redo("--reason", "too_short", run=(GATE, "--dry-run"))
    shard = corpus.shard(SHORT)
    assert rerun.jobs == sorted([*jobs(shard, *{*STAGES} - {"download"}), *AFTER])
    assert rerun.written == set()


def test_a_wrong_target_is_refused_and_nothing_is_written(corpus):
    rerun = corpus.redo("--reason", "too_short", run=("nonsense",))
    assert (rerun.status, rerun.written) == (1, set())
    assert "No rule to produce nonsense" in rerun.said


def test_a_new_line_in_the_table_runs_its_shard_only(corpus):
    folder = corpus.project.folder
    shutil.copyfile(corpus.video, folder / "videos" / NEW)
    first, *lines = (folder / "clips.tsv").read_text(encoding="utf-8").splitlines()
    (folder / "clips.tsv").write_text("\n".join([first, f"videos/{NEW}\th\t", *lines, ""]), encoding="utf-8")
    rerun = corpus.run(GATE)
    shard = corpus.shard(NEW)
    assert rerun.jobs == sorted([*jobs(shard, *STAGES), *AFTER])
    other = {"0000": "0001", "0001": "0000"}[shard]
    assert not (outputs(other, *STAGES) | {"results/basis/basis.npz"}) & rerun.written


def test_the_evaluation_of_one_method_leaves_the_other_alone(corpus, mlflow_template):
    shutil.copyfile(mlflow_template, corpus.project.folder / "results" / "mlflow.db")
    both = [f"results/score/mine/{method}.parquet" for method in ("static", "ground_truth")]
    corpus.run(*both)
    rerun = corpus.run(*both, "--forcerun", "results/synthesise/mine/static.jsonl")
    assert rerun.jobs == ["score mine static", "synthesise mine static"]
    assert not [name for name in rerun.written if "ground_truth" in name]
    assert not {name for name in rerun.changed if name.endswith((".mp4", ".jsonl", ".parquet"))}


def test_ctrl_c_ends_the_jobs_and_what_follows_and_the_same_command_works_again(corpus):
    words = corpus.project.command("--cores", "1", GATE)[3:]
    command = [sys.executable, "-m", "tavce", "redo", "--video", "videos/a.mp4", "--", *words]
    folder = corpus.project.folder
    with open(folder / "said.txt", "wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=corpus.project.environment, start_new_session=True, stdout=said, stderr=said
        )
    give_up = time.monotonic() + PATIENCE_S
    while "rule trim:" not in (folder / "said.txt").read_text(encoding="utf-8"):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE_S) != 0
    assert not list((folder / ".snakemake").glob("locks/*"))
    assert corpus.redo("--video", "videos/a.mp4").status == 0


def _url(corpus: Corpus) -> str:
    rows = read_rows(corpus.project.folder / "results/mine/sheet" / f"{corpus.shard(ABSENT)}.jsonl")
    (video,) = [row.video_id for row in rows if row.source.endswith(ABSENT)]
    return video

"""Facts about the Snakefile before any job runs: what it refuses, how many jobs it plans, which profiles it finds."""

import statistics
import sys
import time
from collections import Counter

import pytest
from project import CORPUS, REPOSITORY, Project, read_jobs, run

from tavce.stages import SHARD_STAGES

pytestmark = pytest.mark.slow

DEMO = REPOSITORY / "workflow" / "config" / "demo.yaml"
SLOWEST_DRY_RUN_S = 3.0
PAPERS = {"vgg19", "vgg16", "lpips_vgg"}


def test_without_a_corpus_nothing_runs_and_the_message_says_what_to_set(fresh):
    fresh.configure(corpora=None)
    done = fresh.attempt("--cores", "1", "all")
    assert done.returncode != 0
    for words in ("no corpus is configured", "corpora:", "reader: folder", "--configfile", "make demo"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (fresh.folder / "results").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop": {"margn": 0.2}}, "unknown setting 'crop.margn': did you mean 'margin'?"),
        ({"mell": {}}, "unknown setting 'mell': did you mean 'mel'?"),
        ({"detect": {"min_iou": 2}}, "setting 'detect.min_iou' = 2: Input should be less than 1"),
    ],
)
def test_a_wrong_setting_stops_before_any_job_and_is_named(fresh, changes, message):
    fresh.configure(**changes)
    done = fresh.attempt("--cores", "1", "all")
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_corpus_to_train_on_nothing_runs(fresh):
    fresh.configure(corpora={"mine": {**CORPUS, "train": False}})
    done = fresh.attempt("--cores", "1", "data")
    assert done.returncode != 0
    assert "no corpus is trained on" in done.stderr
    assert "corpora.NAME.train" in done.stderr


def test_a_source_that_is_not_there_stops_before_any_job_and_is_named(fresh):
    fresh.configure(corpora={"mine": {**CORPUS, "source": "nowhere"}})
    done = fresh.attempt("--cores", "1", "all")
    assert done.returncode != 0
    assert "corpora.mine.source 'nowhere' is neither a directory nor a .tsv file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shards", [1, 3, 8])
def test_a_stage_has_one_job_a_shard(fresh, shards):
    fresh.configure(corpora={"mine": {**CORPUS, "shards": shards}})
    planned = Counter(job.rule for job in fresh.jobs())
    assert {stage: planned[stage] for stage in SHARD_STAGES} == dict.fromkeys(SHARD_STAGES, shards)
    assert {planned[rule] for rule in ("basis", "index", "card", "funnel", "gate", "report")} == {1}


@pytest.mark.parametrize(
    ("changes", "fetched"),
    [
        ({}, PAPERS),
        ({"metrics": {"paper": {"perceptual": "mobilenetv2"}}}, {"vgg19", "mobilenetv2"}),
        (
            {
                "metrics": {"paper": {"reconstruction_weight": 0}},
                "renderers": {"ours": {"weights": {"perceptual": 0}}},
            },
            set(),
        ),
        (
            {"metrics": {"paper": {"reconstruction_weight": 0, "audio_start": "tavce", "visual_start": "tavce"}}},
            {"vgg19", "tavce_metric"},
        ),
        ({"motion": {"backend": "deep3d"}}, PAPERS | {"deep3d"}),
        ({"quality": {"syncnet": True}}, PAPERS | {"syncnet_v2"}),
        ({"detect": {"backend": "face_alignment"}}, PAPERS | {"s3fd", "fan4"}),
        ({"corpora": {"mine": {**CORPUS, "detect": {"backend": "face_alignment"}}}}, PAPERS | {"s3fd", "fan4"}),
    ],
    ids=[
        "the paper's",
        "another for the metric",
        "no loss needs any",
        "a metric that goes on from the release's",
        "a network measures motion",
        "syncnet measures clips",
        "networks find faces",
        "networks find faces of one corpus",
    ],
)
def test_the_weights_that_are_needed_are_fetched_and_no_others(fresh, changes, fetched):
    fresh.configure(**changes)
    assert {job.wildcards[0] for job in fresh.jobs() if job.rule == "fetch_weights"} == fetched


def test_the_data_stages_need_no_weights(fresh):
    assert "fetch_weights" not in {job.rule for job in fresh.jobs("data")}


def test_a_corpus_nobody_evaluates_has_no_tables_and_no_report(fresh):
    fresh.configure(corpora={"mine": {**CORPUS, "evaluate": False}})
    planned = {job.rule for job in fresh.jobs()}
    assert {"train_metric", "train_renderer"} <= planned
    assert not {"synthesise", "score", "write_tables", "report"} & planned


def test_sheets_are_written_before_the_dag_and_not_by_job_processes(fresh):
    fresh.jobs("data")
    sheet = fresh.folder / "results" / "mine" / "sheet" / "0000.jsonl"
    written = sheet.read_text(encoding="utf-8")
    sheet.write_text(written + "\n", encoding="utf-8")
    fresh.snakemake("--mode", "subprocess", "--dry-run", "data")
    assert sheet.read_text(encoding="utf-8") == written + "\n"
    fresh.jobs("data")
    assert sheet.read_text(encoding="utf-8") == written


def test_unchanged_sheets_are_not_touched(fresh):
    fresh.jobs("data")
    sheets = sorted((fresh.folder / "results" / "mine" / "sheet").iterdir())
    times = [path.stat().st_mtime_ns for path in sheets]
    fresh.jobs("data")
    assert [path.stat().st_mtime_ns for path in sheets] == times


def test_the_default_profile_is_found_without_being_named(fresh):
    done = run(fresh.command("--dry-run"), REPOSITORY, fresh.environment)
    assert "profiles/default" in done.stderr


def test_learning_takes_four_threads_and_in_the_demo_one(fresh):
    arguments = ("--dry-run", "--cores", "8", "results/audio2exp/run.json")
    profile = str(REPOSITORY / "profiles" / "demo")
    assert "threads: 4" in fresh.snakemake(*arguments)
    assert "threads:" not in fresh.snakemake("--profile", profile, *arguments)


def test_the_demo_profile_brings_its_settings_to_any_folder(fresh):
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
    done = run([*snakemake, "--profile", str(REPOSITORY / "profiles/demo"), "-n"], fresh.folder, fresh.environment)
    rendered = [job.wildcards for job in read_jobs(done.stdout) if job.rule == "render_demo"]
    assert sorted(rendered) == [("demo", "0000"), ("demo", "0001"), ("demo", "0002"), ("demo", "0003")]
    assert len(list((fresh.folder / "results" / "demo" / "sheet").glob("*.jsonl"))) == 4


def test_the_ablations_of_the_generator_are_four_variants_with_three_seeds_each(fresh):
    configs = [str(REPOSITORY / f"workflow/config/{name}.yaml") for name in ("demo", "generator_ablations")]
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "-n", "tables"]
    profile = ["--profile", str(REPOSITORY / "profiles/demo")]
    done = run([*snakemake, *profile, "--configfile", *configs], fresh.folder, fresh.environment)
    assert done.returncode == 0, done.stderr
    jobs = Counter(job.rule for job in read_jobs(done.stdout))
    assert {rule: jobs[rule] for rule in ("train_metric", "train_audio2exp", "train_audio2pose")} == {
        "train_metric": 1,
        "train_audio2exp": 1,
        "train_audio2pose": 1,
    }
    assert (jobs["train_renderer"], jobs["synthesise"], jobs["score"], jobs["write_tables"]) == (12, 14, 14, 1)
    trained = {job.wildcards[0] for job in read_jobs(done.stdout) if job.rule == "train_renderer"}
    assert {"ours", "ours-2025", "ours-2026", "no_attention-2026", "no_correlation", "no_correlation_loss"} < trained


def test_a_dry_run_of_the_demo_takes_at_most_three_seconds(tmp_path):
    project = Project(tmp_path)
    project.configure(corpora=None)
    command = project.command("--configfile", str(DEMO), "--dry-run", "all")
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        done = run(command, tmp_path, project.environment)
        seconds.append(time.perf_counter() - began)
        assert done.returncode == 0, done.stderr
    assert statistics.median(seconds) <= 2 * SLOWEST_DRY_RUN_S  # twice: other tests run beside this one

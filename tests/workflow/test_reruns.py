"""Facts about what a change makes stale: that stage and what follows, nothing else."""

import re

import pytest
from project import CORPUS, Project, copy_repository, names, read_jobs, rules

from tavce.stages import SHARD_STAGES

pytestmark = pytest.mark.slow

TRAINING = {"train_metric", "train_audio2exp", "train_audio2pose", "train_renderer"}
OF_A_METHOD = {"score", "write_tables", "report"}
TABLES = OF_A_METHOD | {"check_metrics"}
AFTER_METRIC = {"listen", "listening_gate", "train_renderer", "pack_model", "synthesise"} | TABLES
AFTER_GATE = TRAINING | AFTER_METRIC
AFTER_INDEX = {"index", "card", "funnel", "write_funnel_table", "gate"} | AFTER_GATE
BASIS = {"basis_origin", "basis", "motion"}
AFTER_CROP = {"quality", "mel"} | BASIS


def test_nothing_is_done_where_nothing_changed(finished):
    assert "Nothing to be done" in finished.snakemake("--dry-run")


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"mel": {"low_hz": 60}}, {"mel"} | AFTER_INDEX),
        ({"crop": {"margin": 0.2}}, {"crop"} | AFTER_CROP | AFTER_INDEX),
        ({"detect": {"min_iou": 0.4}}, {"detect", "crop"} | AFTER_CROP | AFTER_INDEX),
        ({"download": {"max_height_px": 720}}, {*SHARD_STAGES} | AFTER_INDEX),
        ({"trim": {"crf": 20}}, {"trim", "detect", "crop"} | AFTER_CROP | AFTER_INDEX),
        ({"quality": {"max_yaw_deg": 40}}, AFTER_CROP | AFTER_INDEX),
        ({"duplicates": {"max_bits": 3}}, AFTER_INDEX),
        ({"motion": {"expression": 32}}, BASIS | AFTER_INDEX),
        ({"gate": {"test": 9}}, {"gate"} | AFTER_GATE),
        (
            {"audio2exp": {"blink_weight": 3}},
            {"train_audio2exp", "pack_model", "synthesise"} | TABLES - {"check_metrics"},
        ),
        ({"metrics": {"paper": {"margin": 0.1}}}, {"train_metric"} | AFTER_METRIC),
        ({"listening": {"max_clips": 9}}, {"listen", "listening_gate", "report"}),
        ({"synthesise": {"style": 1}}, {"synthesise", "pack_model"} | TABLES),
        ({"score": {"max_lag_frames": 10}}, TABLES),
        ({"tables": {"min_clips": 9}}, {"write_tables", "report"}),
        ({"report": {"max_clips": 9}}, {"report"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_changed_setting_reruns_its_stage_and_what_follows(finished, changes, stale):
    finished.configure(**changes)
    assert rules(finished.jobs()) == stale


def test_a_changed_pace_of_downloads_reruns_nothing(finished):
    finished.configure(download={"concurrency": 9, "per_host_s": 1, "attempts": 9})
    assert "Nothing to be done" in finished.snakemake("--dry-run")


def test_downloads_that_are_not_kept_are_removed_shard_by_shard_and_nothing_follows(finished):
    finished.configure(download={"keep_raw": False})
    assert names(finished.jobs()) == ["clear_raw mine 0000", "clear_raw mine 0001"]


def test_a_changed_variant_spares_the_methods_that_do_not_use_it(finished):
    finished.configure(renderers={"no_correlation": {"mapping_rate": 1e-4}})
    assert names(finished.jobs()) == [
        "pack_model no_correlation",
        "report",
        "score mine no_correlation",
        "synthesise mine no_correlation",
        "train_renderer no_correlation",
        "write_tables mine",
    ]


def test_another_seed_is_trained_measured_and_tabled_and_nothing_else_is_done(finished):
    finished.configure(renderers={"no_correlation": {"more_seeds": [2025]}})
    assert names(finished.jobs()) == [
        "report",
        "score mine no_correlation-2025",
        "synthesise mine no_correlation-2025",
        "train_renderer no_correlation-2025",
        "write_tables mine",
    ]


def test_another_method_is_gathered_measured_and_tabled_and_again_when_its_videos_change(finished):
    (finished.folder / "eamm").mkdir()
    others = {"eamm": {"videos": "eamm"}, "pcavs": {"command": "bash -c 'infer {portrait} {audio} {out}'"}}
    finished.configure(others=others, methods={"eamm": "EAMM", "pcavs": "PC-AVS"})
    said = finished.snakemake("--dry-run", "--printshellcmds")
    after = ["report", "score mine eamm", "score mine pcavs", "write_tables mine"]
    assert names(read_jobs(said)) == ["gather mine eamm", "gather mine pcavs", *after]
    assert "--command 'bash -c '\"'\"'infer {portrait} {audio} {out}'\"'\"'' --timeout-s 3600" in said
    made = "results/synthesise/mine/eamm.jsonl"
    (finished.folder / made).with_suffix("").mkdir()
    (finished.folder / made).touch()
    finished.snakemake("--touch", "--cores", "1", "--forcerun", made, "--no-hooks", made)
    (finished.folder / "eamm/a.mp4").write_text("a.mp4", encoding="utf-8")
    assert names(finished.jobs(made)) == ["gather mine eamm"]


def test_weights_that_are_placed_are_asked_at_the_next_run(finished):
    placed = finished.folder / "store/weights/syncnet_v2.model"
    placed.parent.mkdir(parents=True)
    placed.write_bytes(b"weights")
    assert rules(finished.jobs()) == TABLES


def test_a_new_video_reruns_its_shard_and_not_the_basis(finished):
    (finished.folder / "videos" / "g.mp4").write_text("g.mp4", encoding="utf-8")
    jobs = finished.jobs("data")
    (shard,) = {job.wildcards[1] for job in jobs if len(job.wildcards) == 2}
    assert names(jobs) == sorted(
        [*(f"{stage} mine {shard}" for stage in SHARD_STAGES), "index mine", "card mine", "funnel"]
    )


def test_what_one_run_leaves_alone_the_next_one_does_too(finished):
    finished.configure(crop={"margin": 0.2}, motion={"expression": 32})
    finished.snakemake("--touch", "--cores", "1", "--no-hooks")
    assert "Nothing to be done" in finished.snakemake("--dry-run")


def test_a_second_training_corpus_fits_the_basis_anew(finished):
    _add_corpus(finished, train=True)
    assert {"basis", "motion mine 0000", "motion mine 0001"} <= set(names(finished.jobs("data")))


def test_a_second_corpus_that_is_not_trained_on_leaves_the_first_as_it_is(finished):
    _add_corpus(finished, train=False)
    touched = {job.wildcards[0] for job in finished.jobs("data") if job.wildcards}
    assert touched == {"theirs"}


def test_a_raised_version_reruns_its_stage_and_what_follows(finished):
    stages = copy_repository(finished.folder / "repository") / "tavce" / "stages.py"
    text = stages.read_text(encoding="utf-8")
    raised = re.sub(r'("tavce\.data\.mel".*, version=)\d+', r"\g<1>7", text)
    assert raised != text
    stages.write_text(raised, encoding="utf-8")
    assert rules(_with_copy(finished).jobs()) == {"mel"} | AFTER_INDEX


def test_a_reworded_command_reruns_nothing(finished):
    data = copy_repository(finished.folder / "repository") / "workflow" / "rules" / "data.smk"
    text = data.read_text(encoding="utf-8")
    data.write_text(text.replace("python -m tavce mel", "python -X dev -m tavce mel"), encoding="utf-8")
    assert "Nothing to be done" in _with_copy(finished).snakemake("--dry-run")


def _add_corpus(project, train):
    (project.folder / "others").mkdir()
    (project.folder / "others" / "z.mp4").write_text("z.mp4", encoding="utf-8")
    project.configure(corpora={"mine": CORPUS, "theirs": {**CORPUS, "source": "others", "train": train}})


def _with_copy(project) -> Project:
    return Project(project.folder, project.folder / "repository")

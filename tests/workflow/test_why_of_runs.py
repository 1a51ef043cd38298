"""Facts about `tavce why`: for what makes Snakemake rerun a job, one line a rule in words."""

import re
import sys

import pytest
from project import CORPUS, Project, copy_repository, run

pytestmark = pytest.mark.slow
AFTER_CROP = {
    "quality: 2 jobs, because crop runs",
    "mel: 2 jobs, because quality runs",
    "basis: 1 job, because basis_origin, crop, quality run",
    "motion: 2 jobs, because basis, crop, quality run",
    "index: 1 job, because crop, mel, motion, quality run",
}


def why(project: Project, *arguments: str) -> list[str]:
    """Return the lines that say what a run would do."""
    words = project.command("--cores", "1", *arguments)[3:]
    done = run([sys.executable, "-m", "tavce", "why", "--", *words], project.folder, project.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_where_nothing_changed_there_is_nothing_to_do(finished):
    assert why(finished) == ["nothing to do: every file is up to date"]


def test_a_changed_setting_is_named_with_both_values_and_what_follows_with_what_it_waits_for(finished):
    finished.configure(crop={"margin": 0.3})
    said = why(finished, "results/mine/index.parquet")
    assert sorted(said[:2]) == [
        "basis_origin: 1 job, because the setting crop.margin changed (0.1 -> 0.3)",
        "crop: 2 jobs, because the setting crop.margin changed (0.1 -> 0.3)",
    ]
    assert {*said[2:]} == AFTER_CROP


def test_a_setting_of_one_variant_is_named_as_it_is_written(finished):
    finished.configure(renderers={"no_correlation": {"mapping_rate": 1e-4}})
    setting = r"renderers\.no_correlation\.mapping_rate changed \(\S+ -> 0\.0001\)"
    assert re.fullmatch(rf"train_renderer: 1 job, because the setting {setting}", why(finished)[0])


def test_a_raised_version_is_named(finished):
    stages = copy_repository(finished.folder / "repository") / "tavce" / "stages.py"
    text = stages.read_text(encoding="utf-8")
    stages.write_text(re.sub(r'("tavce\.data\.mel".*, version=)\d+', r"\g<1>7", text), encoding="utf-8")
    said = why(Project(finished.folder, finished.folder / "repository"), "results/mine/index.parquet")
    assert said == [
        "mel: 2 jobs, because a stage's version was raised (3 -> 7)",
        "index: 1 job, because mel runs",
    ]


def test_new_rows_of_a_sheet_are_named(finished):
    (finished.folder / "videos" / "g.mp4").write_text("g.mp4", encoding="utf-8")
    assert why(finished, "data")[0] == "download: 1 job, because rows of its sheet are new or changed"


def test_a_second_corpus_has_no_output_yet_and_the_basis_is_about_others(finished):
    (finished.folder / "others").mkdir()
    (finished.folder / "others" / "z.mp4").write_text("z.mp4", encoding="utf-8")
    finished.configure(corpora={"mine": CORPUS, "theirs": {**CORPUS, "source": "others"}})
    said = why(finished, "data")
    assert "download: 2 jobs, because its output is not there; rows of its sheet are new or changed" in said
    assert "basis_origin: 1 job, because it is about others (mine 2 -> mine 2, theirs 2)" in said


def test_a_missing_output_is_named_and_one_that_nothing_waits_for_is_not_missed(finished):
    (finished.folder / "results/mine/crop/0001.h5").unlink()
    assert why(finished) == ["nothing to do: every file is up to date"]
    (finished.folder / "results/tables/mine.csv").unlink()
    assert why(finished) == [
        "write_tables: 1 job, because its output is not there",
        "report: 1 job, because write_tables runs",
    ]


def test_what_the_command_line_forces_is_named_and_quiet_hides_no_job(finished):
    assert why(finished, "--quiet", "all", "--forcerun", "score") == [
        "score: 4 jobs, because the command line forces it",
        "write_tables: 1 job, because score runs",
        "report: 1 job, because score, write_tables run",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nonsense"], "No rule to produce nonsense"), (["--unlock"], "Unlocked working directory")],
)
def test_what_is_no_plan_is_told_in_snakemakes_own_words(finished, arguments, words):
    command = [sys.executable, "-m", "tavce", "why", "--", *finished.command("--cores", "1", *arguments)[3:]]
    done = run(command, finished.folder, finished.environment)
    assert done.returncode == 2
    assert "tavce why: snakemake plans no run:" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr

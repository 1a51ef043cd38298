"""Facts about `snakemake --profile slurm`, as far as no cluster is needed: it is found, and what jobs would ask for."""

import re

import pytest
from project import CORPUS, Project, copy_repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The repository in a folder of its own, with a corpus of one video."""
    folder = copy_repository(tmp_path_factory.mktemp("slurm_profile"))
    (folder / "videos").mkdir()
    (folder / "videos" / "a.mp4").write_text("a.mp4")
    project = Project(folder, folder)
    project.configure(corpora={"mine": {**CORPUS, "shards": 1}})
    return project


def asked(project: Project, **environment: str) -> dict[str, dict[str, str]]:
    """Return rule → resources of a dry run of `snakemake --profile slurm all`."""
    done = project.run_here("--profile", "slurm", "all", "-n", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    blocks = re.split(r"^(?:local)?rule ", done.stdout, flags=re.MULTILINE)[1:]
    lines = {block.partition(":")[0]: re.search(r"^    resources: (.*)$", block, re.MULTILINE)[1] for block in blocks}
    return {rule: dict(pair.partition("=")[::2] for pair in line.split(", ")) for rule, line in lines.items()}


def test_the_profile_is_found_by_its_name_in_the_repository_s_root(project):
    resources = asked(project)
    trim, renderer = resources["trim"], resources["train_renderer"]
    assert (trim["slurm_partition"], trim["mem_mb"], trim["runtime"]) == ("cpu", "2000", "480")
    assert (renderer["slurm_partition"], renderer["gres"], renderer["runtime"]) == ("gpu", "gpu:1", "2880")
    assert "srun --nodes=1 --ntasks-per-node=1" in renderer["launcher"]


def test_every_rule_that_is_submitted_has_a_line_in_the_profile(project):
    done = project.run_here("--profile", "slurm", "all", "-n", "--forceall")
    planned = set(re.findall(r"^rule (\w+):", done.stdout, re.MULTILINE)) - {"all"}
    rules = "".join(path.read_text() for path in (project.repository / "workflow/rules").glob("*.smk"))
    local = set(re.findall(r"^localrules:\n    (\w+),", rules, re.MULTILINE))
    table = (project.repository / "profiles/slurm/config.yaml").read_text()
    assert planned - local == set(re.findall(r"^    (\w+): \{", table, re.MULTILINE)) - {"render_demo", "gather"}
    assert local == {
        "basis_origin",
        "clear_raw",
        "fetch_weights",
        "gate",
        "listening_gate",
        "pack_model",
        "write_funnel_table",
    }


def test_a_site_changes_what_jobs_ask_for_and_the_environment_comes_first(project, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text("cpu_partition: batch\ngpu_partition: a100\nrules: {train_renderer: {gpus: 4, nodes: 2}}\n")
    resources = asked(project, TAVCE_SITE=str(site), TAVCE_CPU_PARTITION="night")
    assert resources["trim"]["slurm_partition"] == "night"
    assert resources["train_renderer"]["slurm_partition"] == "a100"
    assert resources["train_renderer"]["gres"] == "gpu:4"
    assert "--nodes=2 --ntasks-per-node=4" in resources["train_renderer"]["launcher"]


def test_a_wrong_site_setting_stops_before_anything_runs_and_is_named(project, tmp_path):
    (tmp_path / "site.yaml").write_text("cpu_partitoin: batch\n")
    done = project.run_here("--profile", "slurm", "all", "-n", TAVCE_SITE=str(tmp_path / "site.yaml"))
    assert done.returncode != 0
    assert "unknown setting 'cpu_partitoin': did you mean 'cpu_partition'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_profile_no_command_is_put_before_the_training(project):
    said = project.snakemake("--dry-run", "--printshellcmds", "all")
    assert "python -m tavce renderer" in said
    assert "srun" not in said

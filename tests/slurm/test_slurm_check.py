"""Facts about `make slurm-check` on a real cluster."""

import subprocess
import sys

import pytest
import yaml
from place import SITE


@pytest.fixture
def checked(cluster, tmp_path):
    """Return a function that checks the cluster under a site's settings, and says what it found."""

    def check(*options, **site):
        (tmp_path / "site.yaml").write_text(yaml.safe_dump({**SITE, **site}))
        environment = {**cluster.environment, "TAVCE_SITE": str(tmp_path / "site.yaml")}
        command = [sys.executable, "-m", "tavce", "slurm_check", *options]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == int("BAD" in done.stdout), done.stdout + done.stderr
        return done.stdout

    return check


def test_a_fitting_site_is_looked_at_from_inside_its_nodes(checked, tmp_path):
    said = checked(cpu_minutes=60, gpu_minutes=60)
    bad = [line for line in said.splitlines() if line.startswith("BAD")]
    assert f"sees the working folder and {sys.prefix}" in said
    assert "ok   cpu, node" in said
    assert len(bad) == 1
    assert "no GPU can be used" in bad[0]  # these GPUs are false
    assert [path.name for path in tmp_path.iterdir()] == ["site.yaml"]


def test_what_the_profile_asks_for_and_the_nodes_lack_is_named_with_the_setting(checked):
    said = checked(rules={}, gpu_type="a100")
    assert "ask for up to 2880 minutes, cpu gives 60: set cpu_minutes: 60" in said
    assert "train_renderer, synthesise, score ask for up to 32000 MB, gpu gives 8000: set gpu_mem_mb: 8000" in said
    assert (
        "train_renderer asks for 1 a100 GPU and 4 cores a node, a node of gpu has 2 h100, and at most 4 cores" in said
    )
    assert "node c" not in said  # where that does not fit, no job is started


def test_a_partition_and_an_account_that_are_not_there_are_named(checked):
    said = checked("--wait", "0", cpu_partition="batch", account="nobody")
    assert "cpu_partition 'batch' is none of cpu, gpu" in said
    assert "account 'nobody' is none of yours: root, tests" in said


def test_without_accounting_it_says_where_states_come_from(checked, cluster):
    cluster.stop_accounting()
    try:
        assert "no accounting: states come from squeue, which forgets a job after 300 s" in checked("--wait", "0")
    finally:
        cluster.start_accounting()

"""Facts about `snakemake --profile slurm all` on a real cluster."""

import re

from place import counts_add_up, unfinished


def test_everything_is_made_through_slurm(undisturbed):
    states = undisturbed.states()
    assert len(states) == len(undisturbed.submitted()) >= 30
    assert set(states.values()) == {"COMPLETED"}
    assert counts_add_up(undisturbed.folder)
    assert unfinished(undisturbed.folder) == []


def test_stages_that_learn_ran_on_gpu_nodes_with_a_gpu_and_the_others_on_cpu_nodes(undisturbed, cluster):
    jobs = {comment: (node, tres) for comment, node, tres in cluster.jobs("Comment%60", "NodeList", "AllocTRES%80")}
    assert jobs["rule_train_renderer_wildcards_ours"][0] in ("g1", "g2")
    assert "gres/gpu=1" in jobs["rule_train_renderer_wildcards_ours"][1]
    assert jobs["rule_detect_wildcards_demo_0000"][0] in ("c1", "c2", "c3", "c4")
    assert "gpu" not in jobs["rule_detect_wildcards_demo_0000"][1]
    requested = re.findall(r"mem=(\d+)M", jobs["rule_trim_wildcards_demo_0000"][1])
    assert requested == ["1200"]


def test_every_job_has_a_log_with_its_name(undisturbed):
    names = [path.relative_to(undisturbed.folder).as_posix() for path in (undisturbed.folder / "logs").rglob("*.log")]
    for name in (
        "trim/demo/0001.log",
        "metric/recommended.log",
        "renderer/ours.log",
        "score/demo/ours.log",
        "report.log",
    ):
        assert f"logs/{name}" in names

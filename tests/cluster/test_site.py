"""Facts about a site's settings: what they make of the profile's table of stages."""

import pytest

from tavce.cluster.site import SITE, Site, launcher, site
from tavce.config import SettingsError

STAGES = {
    "trim": {"mem_mb": 2000, "runtime": 60},
    "train": {"mem_mb": 8000, "runtime": 600, "gpus": 1, "threads": 4, "learns": True},
}


def test_memory_and_time_grow_with_every_attempt():
    trim = Site().resources(STAGES)["trim"]
    assert trim == {"slurm_partition": "'cpu'", "mem_mb": "2000 * attempt", "runtime": "60 * attempt"}
    assert eval(trim["mem_mb"], {"attempt": 3}) == 6000


def test_no_job_asks_for_more_time_or_memory_than_its_partition_has():
    resources = Site(cpu_minutes=90, gpu_minutes=300, cpu_mem_mb=5000).resources(STAGES)
    assert [eval(resources["trim"]["mem_mb"], {"attempt": n}) for n in (1, 2, 3)] == [2000, 4000, 5000]
    assert resources["train"]["mem_mb"] == "8000 * attempt"
    assert [eval(resources["trim"]["runtime"], {"attempt": n}) for n in (1, 2, 3)] == [60, 90, 90]
    assert eval(resources["train"]["runtime"], {"attempt": 1}) == 300


def test_a_partition_with_the_name_of_a_function_stays_a_name():
    assert eval(Site(cpu_partition="max").resources(STAGES)["trim"]["slurm_partition"]) == "max"


def test_a_stage_that_learns_is_warned_queued_again_and_started_by_srun():
    train = Site(gpu_type="h100", account="lab", qos="long", warn_seconds=300).resources(STAGES)["train"]
    assert (train["slurm_partition"], train["gres"], train["nodes"]) == ("'gpu'", "'gpu:h100:1'", 1)
    assert (train["slurm_account"], train["qos"]) == ("'lab'", "'long'")
    assert train["slurm_extra"] == "'--requeue --signal=USR1@300 --ntasks-per-node=1'"
    assert train["launcher"] == repr(launcher(nodes=1, tasks=1))


def test_the_site_gives_a_rule_more_gpus_nodes_and_another_partition():
    rules = {"train": {"gpus": 4, "nodes": 2, "mem_mb": 64000}, "trim": {"slurm_partition": "transfer"}}
    resources = Site(rules=rules).resources(STAGES)
    assert resources["train"]["gres"] == "'gpu:4'"
    assert resources["train"]["nodes"] == 2
    assert resources["train"]["mem_mb"] == "64000 * attempt"
    assert "--ntasks-per-node=4" in resources["train"]["slurm_extra"]
    assert "--nodes=2 --ntasks-per-node=4" in resources["train"]["launcher"]
    assert resources["trim"]["slurm_partition"] == "'transfer'"


def test_on_a_cluster_without_gpus_training_takes_the_cpu_partition():
    train = Site(rules={"train": {"gpus": 0}}).resources(STAGES)["train"]
    assert train["slurm_partition"] == "'cpu'"
    assert "gres" not in train
    assert train["launcher"] == repr(launcher(nodes=1, tasks=1))


def test_threads_are_the_profile_s_or_the_site_s():
    assert Site().threads(STAGES) == {"train": 4}
    assert Site(rules={"trim": {"threads": 2}}).threads(STAGES) == {"trim": 2, "train": 4}


def test_a_rule_that_the_profile_does_not_know_is_an_error():
    with pytest.raises(SettingsError, match=r"rules\.trimm: no such rule. The profile has trim, train"):
        Site(rules={"trimm": {"mem_mb": 1}}).resources(STAGES)


def test_the_environment_comes_before_the_file_and_the_file_before_the_defaults(tmp_path):
    (tmp_path / "site.yaml").write_text("cpu_partition: batch\naccount: 4711\njobs: 20\n")
    here = site({"TAVCE_SITE": str(tmp_path / "site.yaml"), "TAVCE_JOBS": "30", "TAVCE_SCRATCH": "$TMPDIR"})
    assert (here.cpu_partition, here.gpu_partition, here.account) == ("batch", "gpu", "4711")
    assert (here.jobs, here.scratch) == (30, "$TMPDIR")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cpu_partitoin: a", "unknown setting 'cpu_partitoin': did you mean 'cpu_partition'?"),
        ("jobs: 0", "setting 'jobs' = 0"),
        ("rules: {trim: {mem_mb: 2G}}", "rules: trim.mem_mb is '2G': give a whole number, 1 or more"),
        ("rules: {train: {gpus: -1}}", "rules: train.gpus is -1: give a whole number, 0 or more"),
        ("- a", "holds no settings: write `name: value`"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_site_file_that_cannot_be_used_is_named_with_the_reason(tmp_path, text, message):
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(SettingsError, match=r"site\.yaml") as error:
        site({"TAVCE_SITE": str(tmp_path / "site.yaml")})
    assert message in str(error.value)


def test_a_site_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.yaml cannot be read"):
        site({"TAVCE_SITE": str(tmp_path / "nowhere.yaml")})


def test_the_example_names_every_setting_with_its_default():
    example = SITE.with_name("site.example.yaml")
    assert site({"TAVCE_SITE": str(example)}) == Site()
    assert all(f"\n{name}: " in example.read_text() for name in Site.model_fields)

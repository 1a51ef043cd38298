"""Facts about a cluster's partitions and what the profile asks of them."""

import pytest

from tavce.cluster import partitions
from tavce.cluster.findings import Kind as Worth
from tavce.cluster.site import Site

LISTING = """\
batch|up|1-00:00:00|64000+|32|(null)|20
gpu|up|infinite|128000|64|gpu:a100:4(S:0-1)|3
gpu|up|infinite|256000|64|gpu:h100:8,gpu:a100:2|1
old|down|30:00|4000|4|gpu:2|1
"""
STAGES = {"trim": {"mem_mb": 2000, "runtime": 60}, "train": {"mem_mb": 8000, "runtime": 600, "gpus": 1, "threads": 8}}


def bad(**said) -> list[str]:
    """Return what does not fit under a site's settings."""
    here = Site(**{"cpu_partition": "batch", **said})
    found = partitions.findings(partitions.parse(LISTING), here, STAGES)
    return [finding.text for finding in found if finding.kind is Worth.BAD]


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("infinite", None), ("1-00:00:00", 1440), ("2-12:30:00", 3630), ("12:00:00", 720), ("30:00", 30), ("0:30", 0)],
)
def test_a_time_limit_is_read_in_every_form(limit, minutes):
    assert partitions.minutes(limit) == minutes


def test_a_line_of_sinfo_gives_limits_and_gpus_by_type():
    batch, _, mixed, old = partitions.parse(LISTING)
    assert (batch.mem_mb, batch.cores, batch.minutes, batch.gpus) == (64000, 32, 1440, {})
    assert mixed.gpus == {"h100": 8, "a100": 2}
    assert (old.up, old.gpus) == (False, {"": 2})


def test_what_fits_is_fine():
    assert bad() == []


def test_a_partition_that_is_not_there_or_down_is_named_with_those_that_are():
    assert bad(cpu_partition="cpu") == ["cpu_partition 'cpu' is none of batch, gpu, old: set cpu_partition"]
    assert "partition old is down" in bad(gpu_partition="old")[0]


def test_rules_that_ask_for_too_much_are_named_together_with_the_setting():
    assert bad(rules={"trim": {"runtime": 2000}}) == [
        "trim ask for up to 2000 minutes, batch gives 1440: set cpu_minutes: 1440"
    ]
    assert bad(rules={"trim": {"runtime": 2000}}, cpu_minutes=1440) == []
    assert bad(rules={"train": {"mem_mb": 300000}}) == [
        "train ask for up to 300000 MB, gpu gives 256000: set gpu_mem_mb: 256000"
    ]
    assert bad(rules={"train": {"mem_mb": 300000}}, gpu_mem_mb=256000) == []


def test_gpus_that_no_node_has_are_named():
    assert bad(gpu_type="h100", rules={"train": {"gpus": 8}}) == []
    (text,) = bad(gpu_type="v100")
    assert text == (
        "train asks for 1 v100 GPU and 8 cores a node, a node of gpu has 2 a100, 4 a100, 8 h100, and at most 64 cores:"
        " set gpu_type, or rules.train.gpus or .threads"
    )
    (text,) = bad(gpu_type="h100", rules={"train": {"gpus": 8, "threads": 16}})
    assert "8 h100 GPU and 128 cores a node" in text

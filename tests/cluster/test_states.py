"""Facts about what SLURM's states mean for Snakemake."""

import pytest

from tavce.cluster.states import FORGOTTEN_AFTER_S, Fate, Watch, earlier_jobs, fate, parse


def test_a_listing_gives_the_first_word_of_every_job_s_state():
    listing = "12|CANCELLED by 1000\n13|RUNNING\n14|TIMEOUT+\n\nslurm: a warning\n15_1|RUNNING\n"
    assert parse(listing) == {"12": "CANCELLED", "13": "RUNNING", "14": "TIMEOUT"}


@pytest.mark.parametrize(
    ("state", "controller", "expected"),
    [
        ("COMPLETED", None, Fate.SUCCEEDED),
        ("COMPLETED", "COMPLETED", Fate.SUCCEEDED),
        ("COMPLETED", "COMPLETING", Fate.WAITS),
        ("FAILED", None, Fate.FAILED),
        ("TIMEOUT", None, Fate.FAILED),
        ("OUT_OF_MEMORY", None, Fate.FAILED),
        ("CANCELLED", None, Fate.FAILED),
        ("RUNNING", None, Fate.WAITS),
        ("PENDING", None, Fate.WAITS),
        ("REQUEUED", "PENDING", Fate.WAITS),
        ("a state of a later SLURM", None, Fate.WAITS),
        (None, None, Fate.WAITS),
        (None, "RUNNING", Fate.WAITS),
    ],
)
def test_a_job_waits_until_slurm_says_that_it_has_ended(state, controller, expected):
    assert fate(state, controller) is expected


@pytest.mark.parametrize("state", ["NODE_FAIL", "PREEMPTED"])
def test_a_job_that_slurm_has_queued_again_is_waited_for_and_one_that_it_has_not_is_over(state):
    assert fate(state, "PENDING") is Fate.WAITS
    assert fate(state, "RUNNING") is Fate.WAITS
    assert fate(state, state) is Fate.FAILED
    assert fate(state, None) is Fate.FAILED
    assert fate(state, None, answered=False) is Fate.WAITS  # the controller will say


def test_jobs_of_an_earlier_run_of_the_same_folder_are_found():
    listing = "1|tavce-aaaa-1111\n2|tavce-aaaa-2222\n3|tavce-bbbb-1111\n4|somebody else's\n"
    assert earlier_jobs(listing, prefix="tavce-aaaa-", run="tavce-aaaa-2222") == ["1"]


def test_a_job_is_forgotten_only_after_nobody_has_known_it_for_long():
    watch = Watch()
    assert watch.forgotten(["1", "2"], {"2": "RUNNING"}, now_s=0) == set()
    assert watch.forgotten(["1", "2"], {"2": "RUNNING"}, now_s=FORGOTTEN_AFTER_S - 1) == set()
    assert watch.forgotten(["1", "2"], {"2": "RUNNING"}, now_s=FORGOTTEN_AFTER_S) == {"1"}


def test_a_job_that_is_seen_again_starts_anew():
    watch = Watch()
    watch.forgotten(["1"], {}, now_s=0)
    watch.forgotten(["1"], {"1": "RUNNING"}, now_s=FORGOTTEN_AFTER_S)
    assert watch.forgotten(["1"], {}, now_s=FORGOTTEN_AFTER_S + 1) == set()

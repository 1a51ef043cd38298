"""Facts about faults on a real cluster: what goes wrong is tried again, and the results are those of a quiet run."""

import re
import signal
import time

import pytest
from cluster import MEMORY_MB
from place import SITE, SMALL, eventually, interrupt, same_results


@pytest.fixture
def faces(place):
    """A place where `detect` and `crop` of both shards are to be done again."""
    place.forget_faces()
    return place


def ended_well(place, process, undisturbed) -> None:
    """Assert that Snakemake has come to a good end with the results of a quiet run."""
    eventually(place, lambda: process.poll() is not None, "the end of Snakemake", 400)
    assert process.returncode == 0, place.said[-6000:]
    same_results(place, undisturbed)


def test_a_cancelled_job_is_tried_again(faces, undisturbed, cluster):
    process = faces.find_faces()
    job, _ = faces.hold("detect")
    cluster.run("scancel", job)
    ended_well(faces, process, undisturbed)
    assert faces.states()[job] == "CANCELLED"
    assert len(faces.submitted()) == 5


def test_a_job_that_exceeds_its_time_is_tried_again_with_more_and_one_whose_node_crashes_on_another(
    faces, undisturbed, cluster
):
    alone = {"mem_mb": MEMORY_MB // 2 + 100, "runtime": 10}  # one job a node
    faces.configure(rules={"detect": alone, "crop": SMALL}, cpu_mem_mb=MEMORY_MB)
    process = faces.find_faces()
    (late, _), (crashed, _) = faces.hold("detect"), faces.hold("detect")
    cluster.run("scontrol", "update", f"JobId={late}", "TimeLimit=1")
    (node,) = [node for job, _, node in cluster.queue("running") if job == crashed]
    cluster.crash_node(node)
    try:
        ended_well(faces, process, undisturbed)
    finally:
        cluster.start_node(node)
    states, limits = faces.states(), dict(cluster.jobs("JobIdRaw", "Timelimit"))
    assert (states[late], states[crashed]) == ("TIMEOUT", "NODE_FAIL")
    assert sorted(limits[job] for job in faces.submitted()) == ["00:01:00", *["00:10:00"] * 3, *["00:20:00"] * 2]


def test_a_job_that_exceeds_its_memory_is_tried_again_with_more(faces, undisturbed, cluster):
    rules = {"detect": {"mem_mb": 260, "runtime": 10}, "crop": {"mem_mb": 1200, "runtime": 10}}
    faces.configure(rules=rules)
    process = faces.find_faces()
    ended_well(faces, process, undisturbed)
    failed = [job for job, state in faces.states().items() if state != "COMPLETED"]
    logs = {path.stem: path.read_text() for path in (faces.folder / "logs/slurm").rglob("*.log")}
    assert failed
    assert all("exceeded memory limit" in logs[job] for job in failed)
    memory = dict(cluster.jobs("JobIdRaw", "ReqMem"))
    assert {memory[job] for job in failed} <= {"260M", "520M"}
    assert {memory[job] for job in faces.submitted()} & {"520M", "780M"}


def test_a_restart_of_the_controller_costs_no_job(faces, undisturbed, cluster):
    process = faces.find_faces()
    _, stage = faces.hold("detect")
    cluster.stop_controller()
    try:
        time.sleep(3 * SITE["check_seconds"])
        assert process.poll() is None
    finally:
        cluster.start_controller()
        stage.resume()
    ended_well(faces, process, undisturbed)
    assert set(faces.states().values()) == {"COMPLETED"}
    assert len(faces.submitted()) == 4


def test_while_the_accounting_is_down_the_controller_is_asked(faces, undisturbed, cluster):
    process = faces.find_faces()
    _, stage = faces.hold("detect")
    cluster.stop_accounting()
    stage.resume()
    try:
        ended_well(faces, process, undisturbed)
    finally:
        cluster.start_accounting()
    assert len(faces.submitted()) == 4


def test_while_nothing_answers_every_job_is_kept(faces, undisturbed, cluster):
    process = faces.find_faces()
    _, stage = faces.hold("detect")
    cluster.stop_accounting()
    cluster.stop_controller()
    try:
        eventually(faces, lambda: "neither sacct nor squeue answers" in faces.said, "a note of silence")
    finally:
        cluster.start_controller()
        cluster.start_accounting()
        stage.resume()
    ended_well(faces, process, undisturbed)
    assert "SLURM answers again" in faces.said
    assert len(faces.submitted()) == 4


def test_an_interrupt_cancels_every_job_and_the_next_run_goes_on(faces, undisturbed, cluster):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it starts with `&`
    try:
        process = faces.find_faces()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    faces.hold("detect")
    assert interrupt(process, signal.SIGINT) != 0
    eventually(
        faces, lambda: not set(faces.submitted()) & {job for job, *_ in cluster.queue("running,pending")}, "empty"
    )
    assert set(faces.states().values()) <= {"CANCELLED", "COMPLETED"}
    ended_well(faces, faces.find_faces(), undisturbed)


def test_a_killed_snakemake_s_jobs_go_on_and_a_new_one_says_what_to_do(faces, undisturbed, cluster):
    killed = faces.find_faces()
    job, stage = faces.hold("detect")
    assert interrupt(killed, signal.SIGKILL) != 0
    second = faces.find_faces()
    assert second.wait(timeout=120) != 0
    assert f"the Snakemake before (process {killed.pid}" in faces.said
    assert "--unlock" in faces.said
    faces.run("--unlock")
    third = faces.find_faces()
    assert third.wait(timeout=120) != 0
    assert "SLURM jobs of an earlier run are still at work" in faces.said
    assert re.search(rf"or end them with `scancel [\d ]*{job}", faces.said)
    left = set(faces.submitted())
    assert len(left) == 2
    stage.resume()
    eventually(
        faces, lambda: not left & {job for job, *_ in cluster.queue("running,pending")}, "the end of the orphans"
    )
    ended_well(faces, faces.find_faces(), undisturbed)


def test_beside_a_running_snakemake_a_second_one_starts_nothing(faces, undisturbed):
    first = faces.find_faces()
    _, stage = faces.hold("detect")
    second = faces.find_faces()
    assert second.wait(timeout=120) != 0
    assert f"another Snakemake works in this folder (process {first.pid}" in faces.said
    faces.run("--dry-run", "all")
    faces.run("--unlock")
    third = faces.find_faces()
    assert third.wait(timeout=120) != 0
    stage.resume()
    ended_well(faces, first, undisturbed)
    assert len(faces.submitted()) == 4

"""Ask SLURM to queue this job again: training that was warned of its limit goes on in the next allocation."""

import logging
import os
import subprocess

log = logging.getLogger(__name__)
ANSWER_S = 60


def queue_again() -> bool:
    """Queue the SLURM job of this process again, which ends it now; return whether SLURM will.

    Outside a job nothing is done. Where SLURM refuses (the job was not submitted with `--requeue`), the job just ends,
    and Snakemake tries it again.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return False
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=ANSWER_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("SLURM job %s cannot be queued again: %s", job, error)
        return False
    if done.returncode:
        log.warning("SLURM job %s cannot be queued again: %s", job, done.stderr.strip())
        return False
    log.info("SLURM job %s is queued again", job)
    return True

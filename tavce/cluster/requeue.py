"""Ask SLURM to queue this job again: training whose allocation ends goes on in the next one."""

import logging
import os
import re
import signal
import subprocess

log = logging.getLogger(__name__)
ANSWER_S = 60


def queue_again(number: int) -> bool:
    """Queue the SLURM job of this process again, which ends it now, if the signal was not its user's; return whether.

    SIGUSR1 warns of the time limit (`sbatch --signal=USR1@180`). SIGTERM is the end that somebody wants, unless SLURM
    preempts the job. Outside a job nothing is done. Where SLURM refuses (the job was not submitted with `--requeue`),
    the job just ends, and Snakemake tries it again.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or (number != signal.SIGUSR1 and not _preempted(job)):
        return False
    if _scontrol("requeue", job) is None:
        return False
    log.info("SLURM job %s is queued again", job)
    return True


def _preempted(job: str) -> bool:
    """Return whether SLURM takes the job's nodes for a more important one."""
    said = _scontrol("show", "job", "--oneliner", job) or ""
    return re.search(r"\bPreemptTime=\d", said) is not None


def _scontrol(*arguments: str) -> str | None:
    """Return what `scontrol` says, None where it fails."""
    try:
        done = subprocess.run(["scontrol", *arguments], capture_output=True, text=True, timeout=ANSWER_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("scontrol %s: %s", " ".join(arguments), error)
        return None
    if done.returncode:
        log.warning("scontrol %s: %s", " ".join(arguments), done.stderr.strip())
        return None
    return done.stdout

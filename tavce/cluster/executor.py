"""The SLURM executor of Snakemake's plugin, made to last: for weeks, through what happens to clusters.

What differs from snakemake-executor-plugin-slurm 2.8.0, and why:
- States come from `sacct`; while it does not answer, from `squeue`; while neither does, every job is kept. The plugin
  forgets all jobs when its one query fails, and Snakemake then waits for ever.
- A job that SLURM has queued again (after a crash of its node, or preempted) is waited for; one that it has not is
  tried again. The plugin starts a second one beside the first, or waits for ever.
- On an interrupt, every job of the run is cancelled by name, those just being looked at included.
- A job starts one Snakemake, not two: half the overhead.
- Jobs of an earlier run that was killed stop the new one before it starts, with the way out.
"""

import asyncio
import shlex
import subprocess
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from snakemake_executor_plugin_slurm import Executor as PluginExecutor
from snakemake_executor_plugin_slurm.job_status_query import query_job_status_sacct, query_job_status_squeue
from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

from tavce.cluster.states import MAY_COME_BACK, Fate, Watch, earlier_jobs, fate, parse
from tavce.files import digest

QUERY_S = 60
PING_S = 5
LONGEST_PAUSE = 3  # times the profile's seconds between checks


class Executor(PluginExecutor):
    """Submits jobs to SLURM and follows them."""

    def __post_init__(self, test_mode: bool = False) -> None:
        super().__post_init__(test_mode)
        prefix = f"tavce-{digest(str(Path.cwd()))[:8]}-"
        self.run_uuid = f"{prefix}{uuid.uuid4().hex[:8]}"
        self.logger.info(f"SLURM jobs of this run: squeue --name {self.run_uuid} -o '%i %T %k'")
        self._cancelled = threading.Event()
        self._watch = Watch()
        self._silent = False
        self._refuse_earlier_jobs(prefix)

    def additional_general_args(self) -> str:
        """Return what a job's Snakemake is told besides: it runs the rule's command itself."""
        return "--executor local"

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncGenerator[SubmittedJobInfo, None]:
        """Report jobs that have ended, and yield those that have not."""
        pause_s = self.workflow.executor_settings.init_seconds_before_status_checks
        self.next_seconds_between_status_checks = pause_s
        if not active_jobs:
            return
        numbers = [job.external_jobid for job in active_jobs]
        accounting, controller = await self._states(numbers)
        self._note_silence(accounting is None and controller is None)
        now = controller or {}
        known = {**now, **(accounting or {})}
        both = accounting is not None and controller is not None
        lost = self._watch.forgotten(numbers, known, time.monotonic()) if both else set()
        ended = 0
        for job in active_jobs:
            number = job.external_jobid
            said = fate(known.get(number), now.get(number), controller is not None)
            became = Fate.FAILED if number in lost else said
            ended += became is not Fate.WAITS
            if became is Fate.WAITS:
                yield job
            elif became is Fate.SUCCEEDED:
                self._succeeded(job)
            else:
                state = known.get(number) or "unknown to SLURM"
                log = str(job.aux["slurm_logfile"])
                self.report_job_error(job, msg=f"SLURM job {number} ended: {state}. ", aux_logs=[log])
        if not ended:
            self.next_seconds_between_status_checks = min(LONGEST_PAUSE * pause_s, pause_s + len(active_jobs) // 10)

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Cancel all jobs of this run, those that wait to be submitted first."""
        self._cancelled.set()
        self._job_submission_executor.shutdown(wait=True, cancel_futures=True)
        try:
            command = ["scancel", "--name", self.run_uuid]
            subprocess.run(command, check=True, timeout=QUERY_S, capture_output=True, text=True)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip()
            raise WorkflowError(
                f"the jobs of this run could not be cancelled ({said}). End them with `scancel --name {self.run_uuid}`"
            ) from error

    def get_account_arg(self, job: JobExecutorInterface) -> Iterator[str]:
        """Yield the option for the account of the site's settings, or none: SLURM knows the user's default."""
        account = job.resources.get("slurm_account")
        yield f" -A {shlex.quote(str(account))}" if account else ""

    def run_job(self, job: JobExecutorInterface) -> None:
        """Submit a job, once the controller answers."""
        while not self._cancelled.is_set() and not _controller_answers():
            self._note_silence(True)
            self._cancelled.wait(PING_S)
        if not self._cancelled.is_set():
            super().run_job(job)

    def _succeeded(self, job: SubmittedJobInfo) -> None:
        self.report_job_success(job)
        if not self.workflow.executor_settings.keep_successful_logs:
            job.aux["slurm_logfile"].unlink(missing_ok=True)

    async def _states(self, numbers: list[str]) -> tuple[dict[str, str] | None, dict[str, str] | None]:
        """Return job → state of the accounting and of the controller; None for what does not answer.

        The controller is asked only where the accounting leaves something open.
        """
        accounting = await _listing(query_job_status_sacct(self.run_uuid))
        states = {(accounting or {}).get(number) for number in numbers}
        if states.isdisjoint({None, *MAY_COME_BACK}):
            return accounting, None
        return accounting, await _listing(query_job_status_squeue(self.run_uuid))

    def _note_silence(self, silent: bool) -> None:
        if silent and not self._silent:
            self.logger.warning("neither sacct nor squeue answers: the jobs are kept, and asked for again")
        if self._silent and not silent:
            self.logger.info("SLURM answers again")
        self._silent = silent

    def _refuse_earlier_jobs(self, prefix: str) -> None:
        """Stop where jobs of a run that was killed are still at work in this folder.

        Raises:
            WorkflowError: there are such jobs; says which, and what to do.
        """
        command = ["squeue", "--me", "-h", "--format=%i|%j"]
        try:
            listing = subprocess.run(command, capture_output=True, text=True, check=True, timeout=QUERY_S).stdout
        except (OSError, subprocess.SubprocessError) as error:
            self.logger.warning(
                f"squeue does not answer: jobs that an earlier run has left are not looked for ({error})"
            )
            return
        left = earlier_jobs(listing, prefix, self.run_uuid)
        if left:
            raise WorkflowError(
                f"{len(left)} SLURM jobs of an earlier run are still at work in {Path.cwd()}: {', '.join(left[:20])}"
                f"{' …' if len(left) > 20 else ''}. Nothing was started, so that no file has two writers. Wait until"
                f" they have ended (`squeue --me`), or end them with `scancel {' '.join(left)}`; then start again."
            )


def _controller_answers() -> bool:
    command = ["scontrol", "ping"]
    try:
        return subprocess.run(command, capture_output=True, timeout=QUERY_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


async def _listing(command: str) -> dict[str, str] | None:
    """Return job → state from a query's output; None where it fails or does not answer."""
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), timeout=QUERY_S)
    except TimeoutError:
        process.kill()
        return None
    return parse(said.decode()) if process.returncode == 0 else None

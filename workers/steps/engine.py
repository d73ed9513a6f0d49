"""The process in which this worker's trials run: started when first needed, kept warm, renewed before it grows old."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings

from marketplace.work.lifecycle import Lease
from marketplace.work.models import Step
from workers.heartbeat import Heartbeat
from workers.job_process import JobProcess

MOST_JOBS = 60
"""keras-tuner and TensorFlow leak some 26 MB a trial (STACK.md); a trial is two jobs."""
MOST_RESIDENT_BYTES = 1400 * 2**20
DEADLINE_S = 12 * 3600.0


class Engine:
    """Lends the warm process to one job after another."""

    def __init__(self) -> None:
        self._process: JobProcess | None = None
        self._threads = 0

    def do_job(self, name: str, heartbeat: Heartbeat, *, threads: int | None = None, **job: Any) -> dict[str, Any]:
        """Have the warm process do a job; another number of threads takes a new process.

        Args:
            name: of the job.
            heartbeat: of the step that it belongs to.
            threads: how many threads its arithmetic may use; None for a process's share of the cores.
            job: what else the job is told.

        Raises:
            StepFailed, JobBroken, LeaseLost: as `JobProcess.run`.
        """
        process = self._ready(threads or threads_per_process())
        return process.run({"job": name, **job}, heartbeat.report, heartbeat.wanted, DEADLINE_S)

    def close(self) -> None:
        """End the warm process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _ready(self, threads: int) -> JobProcess:
        process = self._process
        if process is not None and (
            threads != self._threads or process.jobs_done >= MOST_JOBS or process.resident_bytes() > MOST_RESIDENT_BYTES
        ):
            self.close()
        if self._process is None:
            self._process, self._threads = JobProcess(threads=threads), threads
        return self._process


def threads_per_process() -> int:
    """Share the machine's cores among the worker's processes; one thread each is the most efficient (STACK.md)."""
    return max(1, _cores() // int(settings.WORKER_PROCESSES))


def threads_for(lease: Lease) -> int:
    """Return the threads for the long job of a step: all cores' where nothing else runs or waits, else a share."""
    busy = Step.objects.filter(needs=Step.Needs.CPU, status__in=(Step.Status.WAITING, Step.Status.LEASED))
    return threads_per_process() if busy.exclude(pk=lease.step_id).exists() else _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0))


engine = Engine()
"""One for each pool process of the worker."""
do_job = engine.do_job

"""The process in which this worker's trials run: started when first needed, kept warm, renewed before it grows old."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings

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

    def do_job(self, name: str, heartbeat: Heartbeat, **job: Any) -> dict[str, Any]:
        """Have the warm process do a job.

        Raises:
            StepFailed, JobBroken, LeaseLost: as `JobProcess.run`.
        """
        process = self._ready()
        return process.run({"job": name, **job}, heartbeat.report, heartbeat.wanted, DEADLINE_S)

    def close(self) -> None:
        """End the warm process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _ready(self) -> JobProcess:
        process = self._process
        if process is not None and (process.jobs_done >= MOST_JOBS or process.resident_bytes() > MOST_RESIDENT_BYTES):
            self.close()
        if self._process is None:
            self._process = JobProcess(threads=threads_per_process())
        return self._process


def threads_per_process() -> int:
    """Share the machine's cores among the worker's processes; one thread each is the most efficient (STACK.md)."""
    cores = len(os.sched_getaffinity(0))
    return max(1, cores // int(settings.WORKER_PROCESSES))


engine = Engine()
"""One for each pool process of the worker."""
do_job = engine.do_job

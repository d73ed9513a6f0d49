"""A process of its own for jobs: it can be killed within a second, and what it loaded stays for the next job.

The worker's own process never loads TensorFlow and never decodes a stranger's file. A job goes in as one line of JSON;
lines of JSON come back: progress, then the result, a sentence, or a fault.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from edgetpu.surroundings import plain_environment
from marketplace.errors import LeaseLost
from workers.errors import JobBroken, StepFailed
from workers.processes import kill_group

POLL_S = 0.2
MAX_LOG_TAIL_BYTES = 4000

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a process may touch that opens a stranger's model; beside it, only programs (see `workers.isolation`)."""

    folder: Path
    """The only one that it may change."""
    readable: tuple[Path, ...] = ()
    """Files that it may read."""


class JobProcess:
    """A process that does one job after another.

    Args:
        threads: how many threads arithmetic may use.
        guarded: whether strangers' files are opened in it: memory and time are limited then (see `workers.job_main`).
        cell: shuts it off from network, files and secrets as well.
    """

    def __init__(self, *, threads: int = 1, guarded: bool = False, cell: Cell | None = None) -> None:
        self._threads = threads
        self._flags = ["--guarded"] if guarded else []
        self._cell = cell
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._pending = b""
        self.jobs_done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, job: dict[str, Any], report: Report, wanted: Callable[[], bool], deadline_s: float) -> dict[str, Any]:
        """Do a job and return its result.

        Raises:
            StepFailed: with the job's own sentence, if it cannot be done.
            JobBroken: if the process died, ran over its time, or the job had a fault.
            LeaseLost: as soon as `wanted` says no; the process is killed first.
        """
        process = self._started()
        try:
            self._send(process, json.dumps(job).encode() + b"\n")
            result = self._answer(process, report, wanted, time.monotonic() + deadline_s)
        except BrokenPipeError as error:
            raise JobBroken(self._obituary(process)) from error
        except (LeaseLost, JobBroken):
            self.close()
            raise
        self.jobs_done += 1
        return result

    @staticmethod
    def _send(process: subprocess.Popen[bytes], line: bytes) -> None:
        if process.stdin is None:
            raise JobBroken("the job's process has no input")
        process.stdin.write(line)
        process.stdin.flush()

    def close(self) -> None:
        """Kill the process and all that it started."""
        if self._process is None:
            return
        kill_group(self._process.pid)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self._process, self._log, self._pending = None, None, b""

    def resident_bytes(self) -> int:
        """Return how much memory the process holds; 0 if there is none."""
        if self._process is None or self._process.poll() is not None:
            return 0
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.job_main", str(os.getpid()), *self._flags, *_cell_words(self._cell)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(self._cell) | _thread_limits(self._threads),
            start_new_session=True,
        )
        return self._process

    def _answer(
        self, process: subprocess.Popen[bytes], report: Report, wanted: Callable[[], bool], deadline: float
    ) -> dict[str, Any]:
        while True:
            if not wanted():
                raise LeaseLost("the job is no longer wanted")
            if time.monotonic() > deadline:
                raise JobBroken("the job ran over its time")
            message = self._next_message(process)
            if message is None:
                continue
            if "result" in message:
                return dict(message["result"])
            if "failed" in message:
                raise StepFailed(message["failed"])
            if "broken" in message:
                raise JobBroken(message["broken"])
            report(message["progress"])

    def _next_message(self, process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        """Return the next line, or None if none came within the polling time."""
        if process.stdout is None:
            raise JobBroken("the job's process has no output")
        line, separator, rest = self._pending.partition(b"\n")
        if separator:
            self._pending = rest
            return dict(json.loads(line))
        if not select.select([process.stdout], [], [], POLL_S)[0]:
            return None
        chunk = os.read(process.stdout.fileno(), 2**16)
        if not chunk:
            raise JobBroken(self._obituary(process))
        self._pending += chunk
        return None

    def _obituary(self, process: subprocess.Popen[bytes]) -> str:
        status = process.wait()
        reason = f"killed by signal {-status} (9 is often: out of memory)" if status < 0 else f"exit status {status}"
        return f"the job's process ended: {reason}\n{self._log_tail()}"

    def _log_tail(self) -> str:
        if self._log is None:
            return ""
        length = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, length - MAX_LOG_TAIL_BYTES))
        return self._log.read().decode(errors="replace")


def _cell_words(cell: Cell | None) -> list[str]:
    return [] if cell is None else ["--cell", str(cell.folder), *map(str, cell.readable)]


def _environment(cell: Cell | None) -> dict[str, str]:
    """Return the worker's environment; in a cell, nothing of it but where programs are."""
    if cell is None:
        return dict(os.environ)
    own = dict.fromkeys(("HOME", "TMPDIR", "KERAS_HOME"), str(cell.folder))
    return plain_environment() | own | {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def _thread_limits(threads: int) -> dict[str, str]:
    count = str(threads)
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"}
    return dict.fromkeys(names, count) | quiet | {"TF_NUM_INTEROP_THREADS": "1"}

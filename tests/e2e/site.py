"""A whole site of a test's own: the real supervisor in a folder and on a port of its own."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from atoll_client.http import Site

ROOT = Path(__file__).resolve().parents[2]
SCOPES = ["read", "datasets:write", "runs:write", "models:publish"]


class RunningSite:
    """Atoll as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "supervisor.log"
        self._env = os.environ | {"ATOLL_DATA_DIR": str(folder / "var"), "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
        self._env |= {"PYTHONWARNINGS": "default"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Prepare the database and the static files as `make setup` does, and start."""
        for command in (["migrate", "-v", "0"], ["collectstatic", "-v", "0", "--noinput"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=self._env, check=True)
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "workers.supervisor", "--port", str(self.port)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)
        wait_for(lambda: b"Atoll is up" in self.log.read_bytes(), 60)

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and everything below it."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def worker_tree(self) -> list[psutil.Process]:
        """Return the Celery worker, its pool, and their job processes."""
        workers = [one for one in self.processes() if _is_worker(one)]
        found = {one.pid: one for worker in workers for one in [worker, *worker.children(recursive=True)]}
        return list(found.values())

    def stop(self) -> None:
        """Stop as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def person(self, name: str) -> Site:
        """Sign somebody up through the page, and return the site as their token sees it."""
        signed_in = Site(self.address)
        signed_in.sign_up(name, secrets.token_urlsafe(12))
        return Site(self.address, signed_in.make_token("test", SCOPES))


def _is_worker(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return "worker" in words and "celery" in " ".join(words)


def busy_jobs(site: RunningSite, for_s: float = 1.0) -> list[psutil.Process]:
    """Return the job processes that compute at this moment."""
    jobs = [one for one in site.worker_tree() if "workers.job_main" in one.cmdline()]
    before = [one.cpu_times().user for one in jobs]
    time.sleep(for_s)
    return [one for one, seconds in zip(jobs, before, strict=True) if one.cpu_times().user - seconds > for_s / 20]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(so: Callable[[], Any], timeout_s: float) -> Any:
    """Wait until something is so and return it; fail the test if it does not become so in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = so()
        if found:
            return found
        time.sleep(0.3)  # asked ten times a second, a site takes a fifth of a core to answer
    raise AssertionError(f"not so within {timeout_s} s")

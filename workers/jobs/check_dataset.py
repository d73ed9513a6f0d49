"""Check an uploaded archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marketplace.datasets.checking import check_archive
from workers.job_process import Report


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return what was found; refusals are sentences."""
    out_dir = Path(job["out_dir"])
    out_dir.mkdir(parents=True, exist_ok=True)
    return check_archive(Path(job["archive"]), out_dir, report, max_pictures=job["max_pictures"])

"""A run's dataset, brought to this machine once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace.datasets.models import DatasetVersion
from marketplace.runs.models import Run
from marketplace.storage import fetch


def pictures_of(run: Run) -> dict[str, Any]:
    """Return what a job needs to make the arrays of a run's dataset: local paths and the side in px."""
    folder = cache_folder(run.dataset_version)
    archive = fetch(run.dataset_version.archive_key, folder / "archive.zip")
    manifest = fetch(run.dataset_version.manifest_key, folder / "manifest.json")
    arrays = folder / f"{run.image_px}px"
    return {"archive": str(archive), "manifest": str(manifest), "px": run.image_px, "arrays": str(arrays)}


def cache_folder(version: DatasetVersion) -> Path:
    """Return where this machine keeps a dataset's files; they can be made anew at any time."""
    return Path(settings.DATA_DIR, "cache", "datasets", version.content_sha256)

"""What a machine keeps only for a while: copies of datasets and of networks, folders of trials. What is unneeded goes.

Each worker tidies the machine that it runs on; deleting a dataset on the site thus reaches every copy of it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from marketplace.datasets.models import DatasetVersion
from marketplace.runs.lifecycle import LIVE_RUNS, LIVE_TRIALS
from marketplace.runs.models import Run, Trial

ABANDONED_S = 24 * 3600.0
STEP_FOLDERS = ("checks", "imports", "runs")


def tidy() -> list[Path]:
    """Remove what no row needs any more; return what was removed."""
    unneeded = [
        *_copies_of_deleted_datasets(),
        *_parents_of_ended_runs(),
        *_trials_of_ended_runs(),
        *_folders_of_ended_trials(),
        *_folders_of_killed_steps(),
    ]
    for folder in unneeded:
        shutil.rmtree(folder, ignore_errors=True)
    return unneeded


def _copies_of_deleted_datasets() -> Iterator[Path]:
    for folder in _folders_in("cache", "datasets"):
        if not DatasetVersion.objects.filter(content_sha256=folder.name).exists():
            yield folder


def _parents_of_ended_runs() -> Iterator[Path]:
    for folder in _folders_in("cache", "parents"):
        if not Run.objects.filter(parent__revision=folder.name, status__in=LIVE_RUNS).exists():
            yield folder


def _trials_of_ended_runs() -> Iterator[Path]:
    """Copies of networks that later trials of the same run begin with."""
    for folder in _folders_in("cache", "trials"):
        wanted = folder.name.isdigit() and Trial.objects.filter(pk=int(folder.name), run__status__in=LIVE_RUNS).exists()
        if not wanted:
            yield folder


def _folders_of_ended_trials() -> Iterator[Path]:
    for folder in _folders_in("scratch", "trials"):
        live = folder.name.isdigit() and Trial.objects.filter(pk=int(folder.name), status__in=LIVE_TRIALS).exists()
        if not live:
            yield folder


def _folders_of_killed_steps() -> Iterator[Path]:
    """A step removes its own folder; one that was killed could not."""
    for folder in (folder for kind in STEP_FOLDERS for folder in _folders_in("scratch", kind)):
        if time.time() - folder.stat().st_mtime > ABANDONED_S:
            yield folder


def _folders_in(*parts: str) -> list[Path]:
    parent = Path(settings.DATA_DIR, *parts)
    return [folder for folder in parent.iterdir() if folder.is_dir()] if parent.is_dir() else []

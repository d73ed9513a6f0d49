"""The weights that a run begins with, brought to this machine once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace.runs.models import Run
from marketplace.runs.parents import Parent
from marketplace.storage import fetch
from models.backbones import fetch_backbone
from models.errors import ModelError
from search.trial import TrialRecord
from workers.errors import StepFailed
from workers.steps.run_files import bring

CHECKPOINT = "checkpoint.keras"


def start_of(run: Run, record: TrialRecord) -> dict[str, Any]:
    """Return, for a job, the file whose network a trial begins with, and the one that teaches it, if any does.

    It begins with another trial's, or with what its run begins with.

    Raises:
        StepFailed: as `parent_of`.
    """
    taught = {} if record.teacher is None else {"teacher": _checkpoint_of(run, record.teacher)}
    if record.parent is None:
        return {"parent": parent_of(run), **taught}
    return {"parent": _checkpoint_of(run, record.parent), "knows_pictures": True, **taught}


def _checkpoint_of(run: Run, number: int) -> str:
    """Return the local path of what a trial has learned, with its architecture beside it."""
    trial = run.trials.get(number=number)
    folder = Path(settings.DATA_DIR, "cache", "trials", str(trial.pk))
    return str(_with_architecture(bring(run, CHECKPOINT, folder, trial=trial), trial.architecture))


def parent_of(run: Run) -> str:
    """Return the local path of the network that trials begin with; empty where they begin from scratch.

    Raises:
        StepFailed: if published weights are neither here nor to be had.
    """
    parent = Parent.from_json(run.parent)
    if parent is not None:
        return str(_published_model(parent)) if parent.storage_key else ""
    try:
        return str(fetch_backbone(run.backbone)) if run.backbone else ""
    except ModelError as error:
        raise StepFailed(str(error)) from error


def _published_model(parent: Parent) -> Path:
    """Return a release's file, with its architecture beside it; both are of the release, so they never change."""
    folder = Path(settings.DATA_DIR, "cache", "parents", parent.revision)
    return _with_architecture(fetch(parent.storage_key, folder / parent.file_name), parent.architecture)


def _with_architecture(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a network's architecture beside it; return its path."""
    architecture = path.with_name("architecture.json")
    passing = architecture.with_name(f".{secrets.token_hex(8)}.part")
    passing.write_text(json.dumps(content))
    passing.replace(architecture)
    return path

"""The weights that a run begins with, brought to this machine once."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from django.conf import settings

from marketplace.runs.models import Run
from marketplace.runs.parents import Parent
from marketplace.storage import fetch
from models.backbones import fetch_backbone
from models.errors import ModelError
from workers.errors import StepFailed


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
    path = fetch(parent.storage_key, folder / parent.file_name)
    architecture = folder / "architecture.json"
    passing = architecture.with_name(f".{secrets.token_hex(8)}.part")
    passing.write_text(json.dumps(parent.architecture))
    passing.replace(architecture)
    return path

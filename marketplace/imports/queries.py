"""What is known of models brought along, to their owners; nobody else sees them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.datasets.queries import versions_of
from marketplace.errors import NotFound
from marketplace.imports.models import Import, ImportFile
from marketplace.work.models import Step
from marketplace.work.queries import step_of


def imports_of(owner: User) -> QuerySet[Import]:
    """Return a person's imports, newest first."""
    return Import.objects.filter(owner=owner).select_related("owner", "dataset_version__dataset")


def import_of(owner: User, import_id: int) -> Import:
    """Return one import.

    Raises:
        NotFound: if it does not exist, or is somebody else's.
    """
    found = imports_of(owner).filter(pk=import_id).first()
    if found is None:
        raise NotFound("There is no such model, or somebody else brought it.")
    return found


def file_of(brought: Import, name: str) -> ImportFile:
    """Return a file of an import.

    Raises:
        NotFound: if it has none of this name.
    """
    found = brought.files.filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise NotFound("This model has no such file.")
    return found


def usable_versions(owner: User) -> list[DatasetVersion]:
    """Return the datasets that a person's models can be calibrated and judged with, newest first."""
    return list(versions_of(owner).filter(status=DatasetVersion.Status.READY))


def progress_of(brought: Import) -> dict[str, Any]:
    """Return what is being done, in words; what it waits for before that; nothing once it ended."""
    if brought.ended:
        return {}
    step = step_of(Step.Kind.IMPORT, brought.pk)
    told = step.progress if step is not None and step.status == Step.Status.LEASED else {}
    return {"phase": str(told.get("phase", "Waiting for a worker"))}

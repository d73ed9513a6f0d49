"""What is known of datasets, to those who may know it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from marketplace.accounts.models import User
from marketplace.datasets.models import Dataset, DatasetVersion
from marketplace.errors import NotFound
from marketplace.work.models import Step
from marketplace.work.queries import step_of


def versions_of(owner: User) -> QuerySet[DatasetVersion]:
    """Return a person's dataset versions, newest first."""
    return DatasetVersion.objects.filter(dataset__owner=owner).select_related("dataset").order_by("-id")


def datasets_of(owner: User) -> QuerySet[Dataset]:
    """Return a person's datasets with their versions, newest first."""
    return Dataset.objects.filter(owner=owner).prefetch_related("versions").order_by("-id")


def version_of(owner: User, version_id: int) -> DatasetVersion:
    """Return one version.

    Raises:
        NotFound: if it does not exist, or is somebody else's.
    """
    version = versions_of(owner).filter(pk=version_id).first()
    if version is None:
        raise NotFound("There is no such dataset, or it belongs to somebody else.")
    return version


def progress_of(version: DatasetVersion) -> dict[str, Any]:
    """Return how far the check is: phase, done, total, percent; `phase` says what it waits for before it begins."""
    if version.ended:
        return {}
    step = step_of(Step.Kind.CHECK_DATASET, version.pk)
    told = step.progress if step is not None and step.status == Step.Status.LEASED else {}
    done, total = int(told.get("done", 0)), int(told.get("total", 0))
    phase = str(told.get("phase", "Waiting for a worker"))
    return {"phase": phase, "done": done, "total": total, "percent": round(100 * done / total) if total else 0}

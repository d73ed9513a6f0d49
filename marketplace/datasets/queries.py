"""What is known of datasets, to those who may know it."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.datasets.splitting import SPLITS
from marketplace.errors import NotFound
from marketplace.work.models import Step
from marketplace.work.queries import step_of

CLASSES_SHOWN = 60


def versions_of(owner: User) -> QuerySet[DatasetVersion]:
    """Return a person's dataset versions, newest first."""
    return DatasetVersion.objects.filter(dataset__owner=owner).select_related("dataset").order_by("-id")


def latest_of(owner: User) -> list[DatasetVersion]:
    """Return the newest version of each of a person's datasets, newest first."""
    newest = DatasetVersion.objects.filter(dataset=OuterRef("dataset")).order_by("-number").values("pk")[:1]
    return list(versions_of(owner).filter(pk=Subquery(newest)))


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


def histogram_of(version: DatasetVersion) -> list[dict[str, Any]]:
    """Return, for the first classes, the counts by split and the length of each bar in percent of the largest class."""
    rows = version.statistics.get("per_class", [])
    largest = max((sum(row[split] for split in SPLITS) for row in rows), default=1)
    return [
        row
        | {
            "total": sum(row[split] for split in SPLITS),
            "percents": [f"{100 * row[split] / largest:.2f}" for split in SPLITS],
        }
        for row in rows[:CLASSES_SHOWN]
    ]

"""The life of a dataset version. Nothing else writes `DatasetVersion.status`.

checking ──► ready
    └──────► refused
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from marketplace.datasets.models import DatasetVersion
from marketplace.errors import WrongState

Status = DatasetVersion.Status

NEXT: dict[str, tuple[str, ...]] = {
    Status.CHECKING: (Status.READY, Status.REFUSED),
    Status.READY: (),
    Status.REFUSED: (),
}


def move(version: DatasetVersion, to: DatasetVersion.Status, **changes: Any) -> bool:
    """Move `version` to `to`; return False if another process moved or deleted it first.

    Raises:
        WrongState: if no arrow leads from its status to `to`.
    """
    before = version.status
    if to not in NEXT[before]:
        raise WrongState(f"dataset version {version.pk} is {before} and cannot become {to}")
    changes |= {"status": to, "checked_at": timezone.now()}
    if not DatasetVersion.objects.filter(pk=version.pk, status=before).update(**changes):
        return False
    for name, value in changes.items():
        setattr(version, name, value)
    return True

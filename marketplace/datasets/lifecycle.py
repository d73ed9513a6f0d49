"""The life of a dataset version. Nothing else writes `DatasetVersion.status`.

checking ──► ready
    └──────► refused
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from marketplace.datasets.models import DatasetVersion
from marketplace.moves import move_row

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
    return move_row(version, to, NEXT, changes | {"checked_at": timezone.now()})

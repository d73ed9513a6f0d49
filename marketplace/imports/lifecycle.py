"""The life of an import. Nothing else writes `Import.status`.

working ──► ready
   └──────► refused
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from marketplace.errors import WrongState
from marketplace.imports.models import Import

Status = Import.Status

NEXT: dict[str, tuple[str, ...]] = {
    Status.WORKING: (Status.READY, Status.REFUSED),
    Status.READY: (),
    Status.REFUSED: (),
}


def move(brought: Import, to: Import.Status, **changes: Any) -> bool:
    """Move `brought` to `to`; return False if another process moved or deleted it first.

    Raises:
        WrongState: if no arrow leads from its status to `to`.
    """
    before = brought.status
    if to not in NEXT[before]:
        raise WrongState(f"import {brought.pk} is {before} and cannot become {to}")
    changes |= {"status": to, "ended_at": timezone.now()}
    if not Import.objects.filter(pk=brought.pk, status=before).update(**changes):
        return False
    for name, value in changes.items():
        setattr(brought, name, value)
    return True

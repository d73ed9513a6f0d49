"""The life of an import. Nothing else writes `Import.status`.

working ──► ready
   └──────► refused
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from marketplace.imports.models import Import
from marketplace.moves import move_row

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
    return move_row(brought, to, NEXT, changes | {"ended_at": timezone.now()})

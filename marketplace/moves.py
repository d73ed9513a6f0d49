"""Moving a row from one status to another: of two processes that try, exactly one does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Protocol

from django.db.models import Manager

from marketplace.errors import WrongState

Arrows = Mapping[str, Collection[str]]
"""From every status, where its arrows lead."""


class Moving(Protocol):
    """A row that has a status."""

    objects: ClassVar[Manager[Any]]
    pk: Any
    status: str


def move_row(row: Moving, to: str, arrows: Arrows, changes: Mapping[str, Any]) -> bool:
    """Move `row` to `to` with other changes; return False if another process moved or deleted it first.

    Raises:
        WrongState: if no arrow leads from its status to `to`.
    """
    before, rows = row.status, type(row).objects
    if to not in arrows[before]:
        raise WrongState(f"{rows.model._meta.verbose_name} {row.pk} is {before} and cannot become {to}")
    after = {**changes, "status": to}
    if not rows.filter(pk=row.pk, status=before).update(**after):
        return False
    for name, value in after.items():
        setattr(row, name, value)
    return True

"""Ordering work, and telling people what happened."""

from __future__ import annotations

from marketplace.queue import wake
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step


def order_step(*, kind: str, subject: int, needs: str = Step.Needs.CPU, rank: int = 0) -> Step:
    """Have a step done: one that waits or is being done is not ordered twice, one that has ended is done anew."""
    step, fresh = Step.objects.get_or_create(kind=kind, subject=subject, defaults={"needs": needs, "rank": rank})
    if fresh or lifecycle.reopen(step):
        wake(needs)
    return step


def tell(about: str, subject: int, text: str) -> Event:
    """Add a line to the timeline of a run or a dataset."""
    return Event.objects.create(about=about, subject=subject, text=text)

"""What is known of work."""

from __future__ import annotations

from django.db.models import QuerySet

from marketplace.work.models import Event, Step


def events_of(about: str, subject: int) -> QuerySet[Event]:
    """Return the timeline of a run or a dataset, oldest first."""
    return Event.objects.filter(about=about, subject=subject)


def step_of(kind: str, subject: int) -> Step | None:
    """Return the step of this kind for a subject, if it was ordered."""
    return Step.objects.filter(kind=kind, subject=subject).first()

"""The life of a step. Nothing else writes `Step.status`, the lease or the fence.

    waiting ──► leased ──► done
       ▲          │ ├────► failed
       └──────────┘ │
       │            ▼
       └──────► cancelled
    done, failed, cancelled ──► waiting     when the same work is ordered anew

A worker holds a step by lease: it renews it every HEARTBEAT_S seconds, and whoever was silent for LEASE_S has lost it.
Each lease has a higher fence than the one before; a holder writes only while its fence is the row's, so late results
are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from marketplace.errors import LeaseLost
from marketplace.work.models import Step

Status = Step.Status


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a step, for as long as it is renewed."""

    step_id: int
    kind: str
    subject: int
    fence: int
    attempts: int


def claim(needs: str, worker: str) -> Lease | None:
    """Lease the first waiting step that needs this, or return None if there is none."""
    while True:
        step = Step.objects.filter(status=Status.WAITING, needs=needs).order_by("rank", "id").first()
        if step is None:
            return None
        now = timezone.now()
        taken = Step.objects.filter(pk=step.pk, status=Status.WAITING, fence=step.fence).update(
            status=Status.LEASED,
            worker=worker,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            lease_until=_lease_end(now),
            started_at=step.started_at or now,
        )
        if taken:  # of two workers, exactly one goes on
            return Lease(step.pk, step.kind, step.subject, step.fence + 1, step.attempts + 1)


def renew(lease: Lease, progress: dict[str, Any] | None = None) -> bool:
    """Keep a lease; return False if it was lost or the step was cancelled."""
    changes: dict[str, Any] = {"lease_until": _lease_end(timezone.now())}
    if progress is not None:
        changes["progress"] = progress
    return bool(_held(lease).update(**changes))


@contextmanager
def finishing(lease: Lease) -> Iterator[None]:
    """Write a step's result and mark it done, both or neither.

    Raises:
        LeaseLost: if the step is another worker's now, or was cancelled; nothing is written then.
    """
    with transaction.atomic():
        _end(lease, Status.DONE)
        yield


@contextmanager
def failing(lease: Lease, sentence: str) -> Iterator[None]:
    """Mark a step failed for good, and write what follows from it, both or neither.

    Raises:
        LeaseLost: as for `finishing`.
    """
    with transaction.atomic():
        _end(lease, Status.FAILED, error=sentence)
        yield


@contextmanager
def writing(lease: Lease) -> Iterator[None]:
    """Write something on the way, only while the lease is held.

    Raises:
        LeaseLost: as for `finishing`.
    """
    with transaction.atomic():
        if not _held(lease).update(lease_until=_lease_end(timezone.now())):
            raise LeaseLost(f"step {lease.step_id} is no longer held with fence {lease.fence}")
        yield


def release(lease: Lease) -> bool:
    """Give a step back unfinished (the worker is told to stop): it waits again, and the attempt does not count."""
    return bool(_held(lease).update(status=Status.WAITING, worker="", lease_until=None, attempts=F("attempts") - 1))


def retry(lease: Lease) -> bool:
    """Let a step that broke wait for another try; the attempt counts."""
    return bool(_held(lease).update(status=Status.WAITING, worker="", lease_until=None))


def reopen(step: Step) -> bool:
    """Let a step that has ended wait anew, as if never tried; False if it has not ended. Older holders cannot write."""
    return bool(
        Step.objects.filter(pk=step.pk, status__in=(Status.DONE, Status.FAILED, Status.CANCELLED)).update(
            status=Status.WAITING,
            worker="",
            fence=F("fence") + 1,
            attempts=0,
            progress={},
            error="",
            started_at=None,
            ended_at=None,
        )
    )


def cancel(steps: Q) -> int:
    """Cancel every step that has not ended; a worker that holds one notices at its next heartbeat."""
    return Step.objects.filter(steps, status__in=(Status.WAITING, Status.LEASED)).update(
        status=Status.CANCELLED, lease_until=None, ended_at=timezone.now()
    )


def expire_leases() -> list[Step]:
    """Let silent steps wait again; return those that were tried too often, which the caller must fail."""
    silent = Step.objects.filter(status=Status.LEASED, lease_until__lt=timezone.now())
    worn_out = list(silent.filter(attempts__gte=settings.MAX_ATTEMPTS))
    silent.filter(attempts__lt=settings.MAX_ATTEMPTS).update(
        status=Status.WAITING, worker="", lease_until=None, fence=F("fence") + 1
    )
    return worn_out


def take_over(step: Step, worker: str) -> Lease | None:
    """Lease a silent step in order to fail it; None if another process was first."""
    changed = Step.objects.filter(pk=step.pk, status=Status.LEASED, fence=step.fence).update(
        worker=worker, fence=F("fence") + 1, lease_until=_lease_end(timezone.now())
    )
    return Lease(step.pk, step.kind, step.subject, step.fence + 1, step.attempts) if changed else None


def _held(lease: Lease) -> Any:
    return Step.objects.filter(pk=lease.step_id, status=Status.LEASED, fence=lease.fence)


def _end(lease: Lease, status: str, **changes: Any) -> None:
    if not _held(lease).update(status=status, lease_until=None, ended_at=timezone.now(), **changes):
        raise LeaseLost(f"step {lease.step_id} is no longer held with fence {lease.fence}")


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.LEASE_S)

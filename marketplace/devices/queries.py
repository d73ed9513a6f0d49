"""Which machines work for this site."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from marketplace.devices.models import LIVE_FOR, WorkerNode
from marketplace.work.models import Step

SHOWN_FOR = timedelta(days=7)
"""A worker that was silent for longer is not listed any more."""


def workers_of_late() -> QuerySet[WorkerNode]:
    """Return the workers that were heard of within the last days, those heard of last first."""
    return WorkerNode.objects.filter(seen_at__gt=timezone.now() - SHOWN_FOR).order_by("-seen_at", "name")


def live_workers() -> QuerySet[WorkerNode]:
    """Return the workers that were heard of lately."""
    return WorkerNode.objects.filter(seen_at__gt=timezone.now() - LIVE_FOR)


def a_worker_has(needs: str) -> bool:
    """Say whether a live worker has the compiler, or an Edge TPU, or is there at all."""
    having = {Step.Needs.CPU: Q(), Step.Needs.COMPILER: ~Q(compiler=""), Step.Needs.DEVICE: ~Q(edge_tpus=[])}
    return live_workers().filter(having[Step.Needs(needs)]).exists()


def a_worker_started_since(moment: datetime) -> bool:
    """Say whether a worker has started, and told what it has, since then."""
    return live_workers().filter(started_at__gte=moment).exists()


def backbones_of_workers() -> set[str]:
    """Return the names of the published weights that live workers have."""
    return {name for names in live_workers().values_list("backbones", flat=True) for name in names}

"""Workers announce themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from marketplace.devices.models import WorkerNode

FORGET_AFTER = timedelta(days=1)


def announce_worker(
    *, name: str, compiler: str, edge_tpus: Sequence[dict[str, Any]], backbones: Sequence[str] = ()
) -> WorkerNode:
    """Write down a worker that has just started, and what it has."""
    now = timezone.now()
    WorkerNode.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    has = {"compiler": compiler, "edge_tpus": list(edge_tpus), "backbones": list(backbones)}
    changes = {**has, "started_at": now, "seen_at": now}
    return WorkerNode.objects.update_or_create(name=name, defaults=changes)[0]


def hear_from_worker(*, name: str, backbones: Sequence[str]) -> None:
    """Note that a worker is still there, and the published weights that it has by now."""
    WorkerNode.objects.filter(name=name).update(seen_at=timezone.now(), backbones=list(backbones))

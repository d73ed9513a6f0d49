"""What a message makes a worker do: take a step, or look after silent ones."""

from __future__ import annotations

import logging
import os
import socket

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from marketplace import queue
from marketplace.devices.queries import a_worker_has
from marketplace.errors import LeaseLost, UserError
from marketplace.runs import outcomes, proofs
from marketplace.runs.models import Run
from marketplace.work import lifecycle
from marketplace.work.models import Step
from workers.errors import StepFailed
from workers.heartbeat import Heartbeat
from workers.steps import HANDLERS

log = logging.getLogger("atoll.worker")

WAKE_AT_MOST = 16
WORN_OUT = (
    "This step broke {attempts} times on its worker, so it was given up. The worker's log says why; too little memory "
    "is the usual cause: try a smaller image size or fewer worker processes."
)


def worker_name() -> str:
    """Return what this machine's worker is called."""
    return os.environ.get("ATOLL_WORKER_NAME") or socket.gethostname()


@queue.app.task(name=queue.WORK)
def work(needs: str) -> None:
    """Take the next waiting step, if there is one, and carry it out."""
    lease = lifecycle.claim(needs, f"{worker_name()}:{os.getpid()}")
    if lease is not None:
        carry_out(lease)


def carry_out(lease: lifecycle.Lease) -> None:
    """Do a leased step; however it ends, the row says so."""
    try:
        with Heartbeat(lease) as heartbeat:
            HANDLERS[lease.kind].run(lease, heartbeat)
    except LeaseLost as lost:
        log.info("step %s (%s) dropped: %s", lease.step_id, lease.kind, lost)
    except (StepFailed, UserError) as error:
        give_up(lease, str(error))
    except Exception:
        log.exception("step %s (%s) broke on try %s", lease.step_id, lease.kind, lease.attempts)
        try_again(lease)


def try_again(lease: lifecycle.Lease) -> None:
    """Let a step that broke be tried again, unless it broke too often."""
    if lease.attempts >= settings.MAX_ATTEMPTS:
        give_up(lease, WORN_OUT.format(attempts=lease.attempts))
    elif lifecycle.retry(lease):
        queue.send(Step.objects.values_list("needs", flat=True).get(pk=lease.step_id))


def give_up(lease: lifecycle.Lease, sentence: str) -> None:
    """Fail a step for good and tell whom it concerns."""
    try:
        with lifecycle.failing(lease, sentence):
            HANDLERS[lease.kind].fail(lease.subject, sentence)
    except LeaseLost as lost:
        log.info("step %s (%s) dropped: %s", lease.step_id, lease.kind, lost)


@queue.app.task(name=queue.REAP)
def reap() -> None:
    """Take silent work back, fail what was tried too often, go on without machines that left, wake for what waits."""
    for step in lifecycle.expire_leases():
        lease = lifecycle.take_over(step, worker_name())
        if lease is not None:
            give_up(lease, WORN_OUT.format(attempts=step.attempts))
    go_on_without_missing_machines()
    waiting = Step.objects.filter(status=Step.Status.WAITING).values_list("needs").annotate(Count("id"))
    for needs, count in waiting:
        for _ in range(min(count, WAKE_AT_MOST)):
            queue.send(needs)


def go_on_without_missing_machines() -> None:
    """Runs that wait for a compiler or a device whose worker has left go on without it."""
    for kind, needs in proofs.NEEDS.items():
        if not a_worker_has(needs):
            with transaction.atomic():
                for run_id in proofs.give_up(kind):
                    outcomes.advance(run_id)
    waits = {
        Run.Status.COMPILING: (Step.Kind.COMPILE, Step.Needs.COMPILER, outcomes.give_up_compiling),
        Run.Status.MEASURING: (Step.Kind.MEASURE, Step.Needs.DEVICE, outcomes.give_up_measuring),
    }
    for status, (kind, needs, go_on) in waits.items():
        waiting = Step.objects.filter(kind=kind, status=Step.Status.WAITING).values("subject")
        if a_worker_has(needs):
            continue
        for run in Run.objects.filter(status=status, pk__in=waiting):
            with transaction.atomic():
                go_on(run)

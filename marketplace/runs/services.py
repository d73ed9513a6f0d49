"""Ordering, stopping and cancelling a run."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q

from edgetpu.latency import DEVICES
from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.runs import lifecycle
from marketplace.runs.models import Run, Trial
from marketplace.runs.outcomes import advance
from marketplace.runs.specs import spec_for
from marketplace.work import lifecycle as work
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell
from search.errors import LimitImpossible
from search.space import check_spec

MAX_TRIALS = 200
IMAGE_PX = (32, 48, 64, 96, 128, 160, 192, 224)
MAX_LATENCY_MS = 1000.0
MIB = 2**20
MAX_ONCHIP_BYTES = 8 * MIB
"""On-chip memory of the Edge TPU. Source: coral.ai, "Edge TPU compiler", parameter data caching."""

RUN_STEPS = (Step.Kind.QUANTIZE, Step.Kind.COMPILE, Step.Kind.VALIDATE, Step.Kind.MEASURE)


@transaction.atomic
def order_run(
    *,
    owner: User,
    dataset_version: DatasetVersion,
    latency_limit_ms: float,
    device: str,
    onchip_limit_bytes: int,
    trials: int,
    image_px: int,
    seed: int | None = None,
) -> Run:
    """Order a search; its first trial starts as soon as a worker is free.

    Raises:
        BadInput: if a value cannot be used, or no network of the space meets the limits.
        NotFound: if the dataset is not this person's.
        Conflict: if the dataset is not ready.
    """
    _require_ready(owner, dataset_version)
    _require_usable(latency_limit_ms, device, onchip_limit_bytes, trials, image_px)
    run = Run(
        owner=owner,
        dataset_version=dataset_version,
        latency_limit_ms=latency_limit_ms,
        device=device,
        onchip_limit_bytes=onchip_limit_bytes,
        trials_wanted=trials,
        image_px=image_px,
        seed=secrets.randbelow(2**31) if seed is None else seed,
    )
    try:
        check_spec(spec_for(run))
    except LimitImpossible as error:
        raise BadInput(str(error), field="latency_limit_ms") from error
    run.save()
    _order_trials(run, range(1, trials + 1))
    tell(
        Event.About.RUN,
        run.pk,
        f"Ordered: {trials} trials, at most {latency_limit_ms:g} ms on {DEVICES[device].title}.",
    )
    return run


def _require_ready(owner: User, version: DatasetVersion) -> None:
    if version.dataset.owner_id != owner.pk:
        raise NotFound("There is no such dataset, or it is private.")
    if version.status != DatasetVersion.Status.READY:
        raise Conflict("This dataset is not ready: wait until its check has ended, or choose another one.")


def _require_usable(latency_limit_ms: float, device: str, onchip_bytes: int, trials: int, image_px: int) -> None:
    if device not in DEVICES:
        raise BadInput(f"Choose one of these devices: {', '.join(DEVICES)}.", field="device")
    if not 0 < latency_limit_ms <= MAX_LATENCY_MS:  # also refuses "not a number"
        sentence = f"The latency limit must be more than 0 ms and at most {MAX_LATENCY_MS:g} ms."
        raise BadInput(sentence, field="latency_limit_ms")
    if not 0 < onchip_bytes <= MAX_ONCHIP_BYTES:
        sentence = (
            f"The on-chip limit must be more than 0 and at most {MAX_ONCHIP_BYTES // MIB} MiB: the chip has no more."
        )
        raise BadInput(sentence, field="onchip_limit_bytes")
    if not 1 <= trials <= MAX_TRIALS:
        raise BadInput(f"Order 1 to {MAX_TRIALS} trials.", field="trials")
    if image_px not in IMAGE_PX:
        raise BadInput(f"Choose an image size of {', '.join(map(str, IMAGE_PX))} px.", field="image_px")


def _order_trials(run: Run, numbers: Sequence[int]) -> None:
    """Every trial is a row and a step of its own; the number as rank lets the runs of different people take turns."""
    rows = Trial.objects.bulk_create(Trial(run=run, number=number) for number in numbers)
    for trial in rows:
        order_step(kind=Step.Kind.TRIAL, subject=trial.pk, rank=trial.number)


@transaction.atomic
def stop_run(*, run: Run) -> None:
    """Start no further trial; what is running ends, and the best so far goes on to be quantized.

    Raises:
        Conflict: if the search is over already.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.status not in (Run.Status.QUEUED, Run.Status.SEARCHING) or locked.stop_requested:
        raise Conflict("There is nothing to stop: this run starts no further trials.")
    Run.objects.filter(pk=run.pk).update(stop_requested=True)
    _cancel_trials(locked, (Trial.Status.WAITING,))
    tell(Event.About.RUN, run.pk, "Stopped: no further trial starts; the best so far is kept.")
    advance(run.pk)


@transaction.atomic
def cancel_run(*, run: Run) -> None:
    """End a run and drop what it was doing; a training in progress is killed within seconds.

    Raises:
        Conflict: if it has ended already.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.ended or not lifecycle.move(locked, Run.Status.CANCELLED):
        raise Conflict("This run has ended already.")
    _cancel_trials(locked, lifecycle.LIVE_TRIALS)
    work.cancel(Q(kind__in=RUN_STEPS, subject=run.pk))
    tell(Event.About.RUN, run.pk, "Cancelled.")


def _cancel_trials(run: Run, statuses: Sequence[str]) -> None:
    trials = list(run.trials.filter(status__in=statuses))
    work.cancel(Q(kind=Step.Kind.TRIAL, subject__in=[trial.pk for trial in trials]))
    for trial in trials:
        lifecycle.move_trial(trial, Trial.Status.CANCELLED)

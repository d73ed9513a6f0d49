"""Ordering, extending, stopping and cancelling a run."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from edgetpu.latency import DEVICES
from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import BadInput, Conflict
from marketplace.runs import lifecycle
from marketplace.runs.checks import require_possible, require_ready, require_usable
from marketplace.runs.models import Run, Trial
from marketplace.runs.outcomes import advance, go_on_with
from marketplace.runs.parents import Parent
from marketplace.runs.proofs import cancel_proofs
from marketplace.runs.specs import spec_for
from marketplace.runs.starts import MAX_TRIALS
from marketplace.work import lifecycle as work
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell
from search.estimates import architecture_estimate
from search.recipe import as_usual
from search.usual import families_for

RUN_STEPS = (Step.Kind.QUANTIZE, Step.Kind.COMPILE, Step.Kind.VALIDATE, Step.Kind.MEASURE)
FROM_PARENT = "The network of {parent} itself, trained on from its weights."
FROM_ARCHITECTURE = "The network of {parent} itself, trained from scratch: it has no weights."


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
    minutes: float | None = None,
    min_gain: float | None = None,
    file_limit_bytes: int | None = None,
    goal: str = Run.Goal.TARGET,
    families: Sequence[str] = (),
    backbone: str = "",
    parent: Parent | None = None,
) -> Run:
    """Order a search; its first trial starts as soon as a worker is free.

    With a parent, the first trial is the parent's network with a new head, further ones are of its family, and the
    picture size is the parent's.

    Raises:
        BadInput: if a value cannot be used, or no network of the space meets the limits.
        NotFound: if the dataset is not this person's.
        Conflict: if the dataset is not ready.
    """
    require_ready(owner, dataset_version)
    run = Run(
        owner=owner,
        dataset_version=dataset_version,
        latency_limit_ms=latency_limit_ms,
        device=device,
        onchip_limit_bytes=onchip_limit_bytes,
        file_limit_bytes=file_limit_bytes,
        trials_wanted=trials,
        image_px=image_px,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        minutes=minutes,
        min_gain=min_gain,
        goal=goal,
        families=list(families) or families_for(backbone),
        backbone=backbone,
    )
    if parent is not None:
        _begin_with(run, parent)
    require_usable(run)
    require_possible(run)
    run.save()
    _order_trials(run, range(1, trials + 1))
    if parent is not None:
        _choose_first(run, parent)
    tell(Event.About.RUN, run.pk, _ordered(run))
    return run


def _begin_with(run: Run, parent: Parent) -> None:
    run.parent, run.parent_release_id = parent.to_json(), parent.release_id
    run.families, run.image_px = [parent.network.family], parent.network.image_px


def _choose_first(run: Run, parent: Parent) -> None:
    """The first trial's network is known already; workers find it chosen."""
    network, spec = as_usual(parent.network), spec_for(run)
    why = FROM_PARENT if parent.storage_key else FROM_ARCHITECTURE
    run.trials.filter(number=1).update(
        architecture=network.to_json(),
        architecture_key=network.key,
        estimate=architecture_estimate(network, spec),
        proposal={"reason": why.format(parent=parent.tag)},
    )


def _ordered(run: Run) -> str:
    amount = "1 trial" if run.trials_wanted == 1 else f"{run.trials_wanted} trials"
    within = f", {run.minutes:g} minutes" if run.minutes else ""
    return f"Ordered: {amount}{within}, at most {run.latency_limit_ms:g} ms on {DEVICES[run.device].title}."


def _order_trials(run: Run, numbers: Sequence[int]) -> None:
    """Every trial is a row and a step of its own; the number as rank lets the runs of different people take turns."""
    rows = Trial.objects.bulk_create(Trial(run=run, number=number) for number in numbers)
    for trial in rows:
        order_step(kind=Step.Kind.TRIAL, subject=trial.pk, rank=trial.number)


@transaction.atomic
def add_trials(*, run: Run, trials: int) -> None:
    """Go on searching in a run that is done; its best network is replaced only by a better one.

    Raises:
        BadInput: if the run would have too many trials.
        Conflict: if it is not done.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.status != Run.Status.DONE:
        raise Conflict("Trials can be added to a run that is done. This one is not.")
    if trials < 1:
        raise BadInput("Add at least 1 trial.", field="trials")
    if locked.trials_wanted + trials > MAX_TRIALS:
        left = MAX_TRIALS - locked.trials_wanted
        raise BadInput(f"A run has at most {MAX_TRIALS} trials, so this one can get {left} more.", field="trials")
    last = locked.trials.aggregate(last=Max("number"))["last"] or 0
    changes = {"trials_wanted": locked.trials_wanted + trials, "stop_requested": False, "minutes": None}
    changes["min_gain"] = None  # whoever asks for more trials wants them tried
    if lifecycle.move(locked, Run.Status.SEARCHING, **changes, started_at=timezone.now(), ended_at=None):
        _order_trials(locked, range(last + 1, last + 1 + trials))
        tell(Event.About.RUN, run.pk, f"{trials} more trial{'s' if trials > 1 else ''} ordered: the search goes on.")


@transaction.atomic
def choose_trial(*, run: Run, number: int) -> None:
    """Have the files of a run that is done made of another of its networks, which then is the run's model.

    Raises:
        BadInput: if there is no such network.
        Conflict: if the run is not done, or the files are of this network already.
    """
    locked = Run.objects.select_for_update().get(pk=run.pk)
    if locked.status != Run.Status.DONE:
        raise Conflict("Another network can be chosen in a run that is done. This one is not.")
    done = locked.trials.filter(status=Trial.Status.DONE, validation_accuracy__isnull=False)
    trial = done.filter(number=number).first()
    if trial is None:
        raise BadInput("Choose a trial of this run that ended well.", field="trial")
    if trial.pk == locked.best_trial_id:
        raise Conflict(f"The files of this run are those of trial {number} already.")
    go_on_with(locked, trial, f"Trial {number} was chosen and is quantized to int8.")


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
    cancel_proofs(locked)
    work.cancel(Q(kind__in=RUN_STEPS, subject=run.pk))
    tell(Event.About.RUN, run.pk, "Cancelled.")


def _cancel_trials(run: Run, statuses: Sequence[str]) -> None:
    trials = list(run.trials.filter(status__in=statuses))
    work.cancel(Q(kind=Step.Kind.TRIAL, subject__in=[trial.pk for trial in trials]))
    for trial in trials:
        lifecycle.move_trial(trial, Trial.Status.CANCELLED)

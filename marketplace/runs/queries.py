"""What is known of runs; every question says whose it is, and answers only for the owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Max, Q, QuerySet
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.devices.queries import a_worker_has
from marketplace.errors import NotFound
from marketplace.runs.leaderboard import Row, rows_of, waiting_count
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.runs.progress import Standing, standing_of
from marketplace.runs.proofs import broken_limits
from marketplace.work.models import Event, Step
from marketplace.work.queries import events_of

RUN_STEP_KINDS = (Step.Kind.QUANTIZE, Step.Kind.COMPILE, Step.Kind.VALIDATE, Step.Kind.MEASURE)


@dataclass(frozen=True, slots=True)
class Overview:
    """A run with everything that its page and the API show of it."""

    run: Run
    trials: Sequence[Trial]
    rows: Sequence[Row]
    standing: Standing
    waiting: int
    artifacts: Sequence[Artifact]
    events: Sequence[Event]

    @property
    def measured_last(self) -> Mapping[str, Any]:
        """How the last of the trials that an Edge TPU has measured was measured; empty where none was."""
        found = [trial.measurement for trial in self.trials if trial.measured_ms is not None]
        return found[-1] if found else {}


def runs_of(user: User) -> QuerySet[Run]:
    """Return a person's runs, the newest first, each with `best_accuracy`: int8, on the validation split."""
    return (
        Run.objects.filter(owner=user)
        .select_related("dataset_version__dataset__owner", "best_trial")
        .annotate(best_accuracy=Max("trials__validation_accuracy", filter=Q(trials__status=Trial.Status.DONE)))
        .order_by("-created_at", "-pk")
    )


def run_of(user: User, run_id: int) -> Run:
    """Return a person's run.

    Raises:
        NotFound: if there is none of this number, or it is somebody else's.
    """
    run = runs_of(user).filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run, or it is private.")
    return run


def overview_of(run: Run) -> Overview:
    """Return a run with its trials, its standing, its files and its timeline."""
    trials = list(run.trials.select_related("run").order_by("number"))
    live = live_progress(run, trials)
    chosen = None if run.status == Run.Status.SEARCHING else run.best_trial_id
    return Overview(
        run=run,
        trials=trials,
        rows=rows_of(trials, live, chosen, broken_limits(run, trials)),
        standing=standing_of(run, trials, live, timezone.now(), a_worker_is_there=a_worker_has(Step.Needs.CPU)),
        waiting=waiting_count(trials),
        artifacts=artifacts_of(run),
        events=list(events_of(Event.About.RUN, run.pk)),
    )


def live_progress(run: Run, trials: Sequence[Trial]) -> dict[int, Mapping[str, Any]]:
    """Return what running steps report: by the id of the trial, and the run's own step under 0."""
    if run.ended:
        return {}
    running = [trial.pk for trial in trials if trial.status == Trial.Status.RUNNING]
    wanted = Q(kind=Step.Kind.TRIAL, subject__in=running) | Q(kind__in=RUN_STEP_KINDS, subject=run.pk)
    steps = Step.objects.filter(wanted, status=Step.Status.LEASED)
    return {step.subject if step.kind == Step.Kind.TRIAL else 0: step.progress for step in steps}


def artifacts_of(run: Run) -> list[Artifact]:
    """Return the files of a run as a whole; those of single trials are the engine's."""
    return list(run.artifacts.filter(trial=None))


def artifact_of(run: Run, name: str) -> Artifact:
    """Return a file of a run.

    Raises:
        NotFound: if it has none of this name.
    """
    artifact = run.artifacts.filter(trial=None, name=name).first()
    if artifact is None:
        raise NotFound(f"This run has no file “{name}” (yet).")
    return artifact


def ready_versions_of(user: User) -> QuerySet[DatasetVersion]:
    """Return the dataset versions that a person can order a run on, the newest first."""
    return (
        DatasetVersion.objects.filter(dataset__owner=user, status=DatasetVersion.Status.READY)
        .select_related("dataset__owner")
        .order_by("-created_at")
    )


def mean_trial_s(version: DatasetVersion, image_px: int, backbone: str) -> float | None:
    """Return what a trial with this start on these pictures at this size took on average, None if none was done yet."""
    done = Trial.objects.filter(
        run__dataset_version=version,
        run__image_px=image_px,
        run__backbone=backbone,
        run__parent={},
        status=Trial.Status.DONE,
        seconds__isnull=False,
    )
    mean = done.aggregate(mean=Avg("seconds"))["mean"]
    return None if mean is None else float(mean)

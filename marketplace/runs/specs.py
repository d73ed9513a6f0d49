"""A run's row and its trials, as the search engine reads them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from marketplace.datasets.models import DatasetVersion
from marketplace.runs.models import Run, Trial
from models.architecture import Architecture
from search.correction import proven
from search.spec import SearchSpec, longest_trial_minutes
from search.trial import TrialRecord, TrialState

STATES = {
    Trial.Status.WAITING: TrialState.PENDING,
    Trial.Status.RUNNING: TrialState.RUNNING,
    Trial.Status.DONE: TrialState.DONE,
    Trial.Status.FAILED: TrialState.FAILED,
    Trial.Status.SKIPPED: TrialState.FAILED,
    Trial.Status.CANCELLED: TrialState.FAILED,
}


def spec_for(run: Run) -> SearchSpec:
    """Return what is asked of the search."""
    return spec_on(
        run.dataset_version,
        image_px=run.image_px,
        latency_limit_ms=run.latency_limit_ms,
        device=run.device,
        onchip_limit_bytes=run.onchip_limit_bytes,
        file_limit_bytes=run.file_limit_bytes,
        trials=run.trials_wanted,
        seed=run.seed,
        families=tuple(run.families),
        backbone=run.backbone,
        objective=run.goal,
        minutes=run.minutes,
        trial_minutes=run.minutes and longest_trial_minutes(run.minutes, settings.WORKER_PROCESSES),
        from_trials=not run.parent,
        min_gain=run.min_gain,
    )


def spec_on(version: DatasetVersion, **asked: Any) -> SearchSpec:
    """Return a search on these pictures; `asked` are the fields of `SearchSpec` that the pictures do not tell."""
    training_pictures = int(version.statistics.get("splits", {}).get("train", 0))
    return SearchSpec(classes=len(version.classes), training_pictures=training_pictures, **asked)


def seconds_since_start(run: Run) -> float:
    """Return how long a run has been searching; 0 before its first trial."""
    return 0.0 if run.started_at is None else (timezone.now() - run.started_at).total_seconds()


def seconds_of_trials(run: Run) -> float:
    """Return how long a run searched, to the end of its last trial; 0 before the first one ended."""
    ended_at = run.trials.aggregate(last=Max("ended_at"))["last"]
    return 0.0 if run.started_at is None or ended_at is None else (ended_at - run.started_at).total_seconds()


def history_of(run: Run) -> list[TrialRecord]:
    """Return every architecture of a run, those in work too, in the order of their numbers."""
    trials = run.trials.exclude(architecture_key="").select_related("run").order_by("number")
    return [record_of(trial) for trial in trials]


def record_of(trial: Trial) -> TrialRecord:
    """Return a trial as the engine knows it."""
    record = TrialRecord(
        number=trial.number,
        architecture=Architecture.from_json(trial.architecture),
        state=STATES[Trial.Status(trial.status)],
        validation_accuracy=trial.validation_accuracy,
        float_accuracy=trial.float_accuracy,
        latency_ms=trial.estimate.get("latency_ms"),
        onchip_bytes=trial.estimate.get("cached_bytes"),
        parent=trial.proposal.get("parent"),
        teacher=trial.proposal.get("teacher"),
        seconds=trial.seconds,
        message=trial.error,
        rung_accuracies=tuple(trial.metrics.get("rung_accuracies", ())),
    )
    run = trial.run
    of_run = run.measurement if run.best_trial_id == trial.pk else {}  # its files are of the same architecture
    return proven(run.device, record, trial.compilation, trial.measurement or of_run)

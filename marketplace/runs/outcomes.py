"""What workers found, written down; and what follows from it.

Each function is called inside the transaction that ends the worker's step (`work.lifecycle.finishing`), so a result and
the order of the next step are stored together or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.devices.queries import a_worker_has
from marketplace.runs import lifecycle, proofs
from marketplace.runs.models import Artifact, Run, Trial
from marketplace.runs.specs import history_of, spec_for
from marketplace.storage import StoredFile
from marketplace.work import lifecycle as work
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell
from search import choice

NOT_COMPILED = (
    "Not compiled: no worker has edgetpu_compiler. Install Coral's compiler on an x86-64 Linux machine, start a worker "
    "there (README, “Add a compiler”), and order the run again; the int8 files here are what it will compile."
)
NOT_MEASURED = (
    "Not measured: no worker has an Edge TPU attached. The latency shown is estimated. "
    "Attach one to a worker (README, “Add a device”) to have it measured."
)
NOT_MEASURED_UNCOMPILED = "Not measured: only a compiled model runs on an Edge TPU, and this one is not compiled."
NO_TRIAL_LEFT = (
    "No trial of this run ended well, so there is no network to go on with. The reasons stand beside the trials."
)

RESULTS = ("estimate", "quantization", "compilation", "validation", "measurement")
"""The columns that tell of the best network."""
TRAINED = "trained.keras"
"""The best trial's network after its longer training, before its weights were changed for int8; where that was kept."""

Files = Mapping[str, StoredFile]


def begin_trial(trial: Trial) -> bool:
    """Mark a trial, and with the first one its run, as begun; False if it was cancelled meanwhile."""
    run = trial.run
    if run.status == Run.Status.QUEUED and lifecycle.move(run, Run.Status.SEARCHING, started_at=timezone.now()):
        tell(Event.About.RUN, run.pk, "The search has begun.")
    if trial.status == Trial.Status.RUNNING:
        return True  # taken over from a worker that fell silent
    if trial.status not in lifecycle.LIVE_TRIALS:
        return False
    return lifecycle.move_trial(trial, Trial.Status.RUNNING, started_at=timezone.now())


def record_proposal(trial: Trial, chosen: Mapping[str, Any]) -> bool:
    """Write down what a trial will train; False if another trial of the run has just taken the same architecture.

    Args:
        trial: without an architecture so far.
        chosen: its `architecture`, `key`, `estimate`, and as `proposal` why it is tried.
    """
    changes = {
        "architecture": chosen["architecture"],
        "architecture_key": chosen["key"],
        "estimate": chosen["estimate"],
        "proposal": chosen.get("proposal", {}),
    }
    try:
        with transaction.atomic():
            Trial.objects.filter(pk=trial.pk).update(**changes)
    except IntegrityError:
        return False
    for name, value in changes.items():
        setattr(trial, name, value)
    return True


def record_trial(trial: Trial, outcome: Mapping[str, Any], files: Files) -> None:
    """Write down how a trial ended, and go on with its run."""
    moved = lifecycle.move_trial(
        trial,
        Trial.Status.DONE,
        validation_accuracy=outcome["validation_accuracy"],
        float_accuracy=outcome["float_accuracy"],
        seconds=outcome["seconds"],
        metrics=dict(outcome.get("metrics", {})),
    )
    if moved:
        keep_files(trial.run, trial, files)
        accuracy = 100 * outcome["validation_accuracy"]
        tell(Event.About.RUN, trial.run_id, f"Trial {trial.number}: {accuracy:.1f} % int8 on the validation split.")
        proofs.order_proof(trial)
    advance(trial.run_id)


def fail_trial(trial: Trial, sentence: str) -> None:
    """Write down why a trial failed; the search goes on with the others."""
    if lifecycle.move_trial(trial, Trial.Status.FAILED, error=sentence):
        tell(Event.About.RUN, trial.run_id, f"Trial {trial.number} failed: {sentence}")
    advance(trial.run_id)


def skip_trials(trial: Trial, sentence: str) -> None:
    """End this trial and every waiting one of its run: there is nothing new to try within the limits."""
    waiting = list(trial.run.trials.filter(status=Trial.Status.WAITING).exclude(pk=trial.pk))
    work.cancel(Q(kind=Step.Kind.TRIAL, subject__in=[row.pk for row in waiting]))
    for row in (trial, *waiting):
        lifecycle.move_trial(row, Trial.Status.SKIPPED, error=sentence)
    tell(Event.About.RUN, trial.run_id, sentence)
    advance(trial.run_id)


def advance(run_id: int) -> None:
    """Once no trial is left to end or to be proven, go on with the best one; fail if there is none."""
    run = Run.objects.select_for_update().get(pk=run_id)
    searching = run.status in (Run.Status.SEARCHING, Run.Status.QUEUED)
    if not searching or run.trials.filter(status__in=lifecycle.LIVE_TRIALS).exists() or proofs.are_under_way(run):
        return
    best = best_of(run)
    if best is None and run.stop_requested:
        fail_run(run, "Stopped before the first trial had ended, so there is nothing to keep.")
    elif best is None:
        fail_run(run, NO_TRIAL_LEFT)
    elif run.best_trial and run.validation and not _is_new(run, best):
        if lifecycle.move(run, Run.Status.DONE):
            tell(Event.About.RUN, run.pk, f"No added trial is better than trial {best.number}, so the model stays.")
    else:
        broken = proofs.broken_limits(run, list(run.trials.select_related("run"))).get(best.number)
        words = f" No network of this run holds the limits, so this one breaks one. {broken}" if broken else ""
        go_on_with(run, best, f"The search is over; trial {best.number} is the best and is quantized to int8.{words}")


def _is_new(run: Run, best: Trial) -> bool:
    """Whether the best network is of a trial that was added, and not one that somebody chose another before."""
    if best.pk == run.best_trial_id:
        return False
    return best.ended_at is None or run.started_at is None or best.ended_at >= run.started_at


def go_on_with(run: Run, trial: Trial, sentence: str) -> None:
    """Have a network made into files; those of an earlier one are no longer the run's, releases keep theirs."""
    nothing: dict[str, Any] = {}
    changes = {"best_trial": trial, "ended_at": None, **dict.fromkeys(RESULTS, nothing)}
    if lifecycle.move(run, Run.Status.QUANTIZING, **changes):
        run.artifacts.filter(trial=None).delete()
        tell(Event.About.RUN, run.pk, sentence)
        order_step(kind=Step.Kind.QUANTIZE, subject=run.pk)


def best_of(run: Run) -> Trial | None:
    """Return the trial that is worth most of those that hold the limits, None if none ended well."""
    best = choice.best_of(spec_for(run), history_of(run))
    return None if best is None else run.trials.get(number=best.number)


def record_quantized(run: Run, result: Mapping[str, Any], files: Files, trained: Files) -> None:
    """Write down the int8 files; go on to compile them where a worker can, else to validate them.

    `trained` is the float network that they come from, where it is another than the trial's.
    """
    keep_files(run, None, files)
    run.artifacts.filter(trial__isnull=False, name=TRAINED).delete()
    keep_files(run, run.best_trial, trained)
    changes = {"estimate": dict(result["estimate"]), "quantization": dict(result["quantization"])}
    if a_worker_has(Step.Needs.COMPILER):
        if lifecycle.move(run, Run.Status.COMPILING, **changes):
            order_step(kind=Step.Kind.COMPILE, subject=run.pk, needs=Step.Needs.COMPILER)
        return
    changes["compilation"] = {"state": "not_compiled", "sentence": NOT_COMPILED}
    if lifecycle.move(run, Run.Status.VALIDATING, **changes):
        tell(Event.About.RUN, run.pk, NOT_COMPILED)
        order_step(kind=Step.Kind.VALIDATE, subject=run.pk)


def record_compiled(run: Run, compilation: Mapping[str, Any], files: Files) -> None:
    """Write down what the compiler made or why it did not; go on to validate."""
    keep_files(run, None, files)
    if lifecycle.move(run, Run.Status.VALIDATING, compilation=dict(compilation)):
        tell(Event.About.RUN, run.pk, str(compilation["sentence"]))
        order_step(kind=Step.Kind.VALIDATE, subject=run.pk)


def record_validated(run: Run, validation: Mapping[str, Any]) -> None:
    """Write down the figures on the test split; go on to measure where there is something to measure, and on what."""
    compiled = run.compilation.get("state") == "compiled"
    tested = {"validation": dict(validation), "networks_tested": run.networks_tested + 1}
    if compiled and a_worker_has(Step.Needs.DEVICE):
        if lifecycle.move(run, Run.Status.MEASURING, **tested):
            order_step(kind=Step.Kind.MEASURE, subject=run.pk, needs=Step.Needs.DEVICE)
        return
    sentence = NOT_MEASURED if compiled else NOT_MEASURED_UNCOMPILED
    _finish(run, **tested, measurement={"state": "not_measured", "sentence": sentence})


def record_measured(run: Run, measurement: Mapping[str, Any]) -> None:
    """Write down what the device measured, and say plainly whether the limit holds."""
    _finish(run, measurement=dict(measurement))
    p50_ms = measurement.get("p50_ms")
    if p50_ms is not None:
        verdict = "within" if p50_ms <= run.latency_limit_ms else "above"
        tell(
            Event.About.RUN,
            run.pk,
            f"Measured {p50_ms:.2f} ms (median): {verdict} the {run.latency_limit_ms:g} ms limit.",
        )


def _finish(run: Run, **changes: Any) -> None:
    if lifecycle.move(run, Run.Status.DONE, **changes):
        tell(Event.About.RUN, run.pk, "Done. The model can be downloaded and published.")


def fail_run(run: Run, sentence: str) -> None:
    """End a run that cannot go on; what it had made stays."""
    if lifecycle.move(run, Run.Status.FAILED, failure=sentence):
        tell(Event.About.RUN, run.pk, sentence)


def give_up_compiling(run: Run) -> None:
    """Go on without the compiler: the worker that had it has gone."""
    work.cancel(Q(kind=Step.Kind.COMPILE, subject=run.pk))
    record_compiled(run, {"state": "not_compiled", "sentence": NOT_COMPILED}, {})


def give_up_measuring(run: Run) -> None:
    """End without a measurement: the worker that had the Edge TPU has gone."""
    work.cancel(Q(kind=Step.Kind.MEASURE, subject=run.pk))
    _finish(run, measurement={"state": "not_measured", "sentence": NOT_MEASURED})


def keep_files(run: Run, trial: Trial | None, files: Files) -> None:
    """Make stored files those of a run, or of one of its trials."""
    for name, stored in files.items():
        Artifact.objects.update_or_create(
            run=run,
            trial=trial,
            name=name,
            defaults={"sha256": stored.sha256, "byte_count": stored.byte_count, "storage_key": stored.key},
        )

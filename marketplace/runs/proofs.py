"""Networks of a search that goes on, proven by Coral's compiler and an Edge TPU, where workers have them.

What they say corrects the estimates of networks that are proposed later (`search.correction`), and a network that
turns out to break a limit is not chosen. What writes is called inside the transaction that ends a worker's step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from marketplace.devices.queries import a_worker_has
from marketplace.runs.models import Run, Trial
from marketplace.runs.specs import record_of, spec_for
from marketplace.work import lifecycle
from marketplace.work.models import Event, Step
from marketplace.work.services import order_step, tell
from search.correction import COMPILED, MEASURED, broken_limit, correction_of

NEEDS = {Step.Kind.COMPILE_TRIAL: Step.Needs.COMPILER, Step.Kind.MEASURE_TRIAL: Step.Needs.DEVICE}
"""What a worker must have to prove a trial."""
KINDS = tuple(NEEDS)


def order_proof(trial: Trial) -> None:
    """Have a trial's network compiled where a worker can; one that was stopped at the rung is not worth it."""
    if not record_of(trial).stopped and a_worker_has(Step.Needs.COMPILER):
        _order(Step.Kind.COMPILE_TRIAL, trial)


def record_compiled(trial: Trial, compilation: Mapping[str, Any]) -> None:
    """Write down what the compiler said of a trial's network; go on to measure it where a worker can."""
    Trial.objects.filter(pk=trial.pk).update(compilation=dict(compilation))
    trial.compilation = dict(compilation)
    refused = record_of(trial).refused
    if refused:
        tell(Event.About.RUN, trial.run_id, f"Trial {trial.number} is not wholly on the chip: {refused}")
    if compilation.get("state") == COMPILED and a_worker_has(Step.Needs.DEVICE):
        _order(Step.Kind.MEASURE_TRIAL, trial)


def record_measured(trial: Trial, measurement: Mapping[str, Any]) -> None:
    """Write down what an Edge TPU takes for a trial's network."""
    Trial.objects.filter(pk=trial.pk).update(measurement=dict(measurement))
    trial.measurement = dict(measurement)
    record = record_of(trial)
    if record.measured_ms is not None:
        estimated = f", estimated were {record.latency_ms:.2f} ms" if record.latency_ms else ""
        words = f"Trial {trial.number} was measured at {record.measured_ms:.2f} ms (median){estimated}."
        tell(Event.About.RUN, trial.run_id, words)


def are_under_way(run: Run) -> bool:
    """Say whether a network of a run is still being compiled or measured, or waits for it."""
    live = (Step.Status.WAITING, Step.Status.LEASED)
    return Step.objects.filter(_of(run), status__in=live).exists()


def cancel_proofs(run: Run) -> None:
    """Compile and measure no further network of a run."""
    lifecycle.cancel(_of(run))


def give_up(kind: str) -> set[int]:
    """Cancel what waits for a compiler or a device that no worker has any more; return the runs that it was for."""
    waiting = Step.objects.filter(kind=kind, status=Step.Status.WAITING)
    runs = set(Trial.objects.filter(pk__in=waiting.values("subject")).values_list("run_id", flat=True))
    lifecycle.cancel(Q(kind=kind, status=Step.Status.WAITING))
    return runs


def broken_limits(run: Run, trials: list[Trial]) -> dict[int, str]:
    """Return which limit networks of a run turned out to break, as sentences by their number; those that hold are left
    out.
    """
    measured = run.measurement.get("state") == MEASURED
    if not measured and not any(trial.compilation or trial.measurement for trial in trials):
        return {}
    spec = spec_for(run)
    records = [record_of(trial) for trial in trials if trial.architecture_key and trial.status == Trial.Status.DONE]
    correction = correction_of(spec, records)
    found = {record.number: broken_limit(spec, record, correction) for record in records}
    return {number: sentence for number, sentence in found.items() if sentence}


def _order(kind: str, trial: Trial) -> None:
    order_step(kind=kind, subject=trial.pk, needs=NEEDS[Step.Kind(kind)], rank=trial.number)


def _of(run: Run) -> Q:
    return Q(kind__in=KINDS, subject__in=run.trials.values("pk"))

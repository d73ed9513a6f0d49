"""Measure the compiled network of a trial while its search goes on."""

from __future__ import annotations

from marketplace.runs import outcomes, proofs
from marketplace.runs.models import Trial
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.jobs.compile_model import COMPILED_NAMES
from workers.steps.compile_trial import INT8_FILE
from workers.steps.engine import do_job
from workers.steps.run_files import bring, folder_for


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Run its compiled file by the measuring protocol."""
    trial = Trial.objects.select_related("run").get(pk=lease.subject)
    heartbeat.report({"phase": "Measuring on the Edge TPU"})
    with folder_for(lease) as folder:
        model = bring(trial.run, COMPILED_NAMES[INT8_FILE], folder, trial=trial)
        result = do_job("measure", heartbeat, model=str(model))
    with lifecycle.finishing(lease):
        proofs.record_measured(trial, result)
        outcomes.advance(trial.run_id)


def fail(subject: int, sentence: str) -> None:
    """The network keeps its estimate."""
    trial = Trial.objects.select_related("run").get(pk=subject)
    proofs.record_measured(trial, {"state": "not_measured", "sentence": sentence})
    outcomes.advance(trial.run_id)

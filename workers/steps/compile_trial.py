"""Compile the network of a trial while its search goes on."""

from __future__ import annotations

from marketplace.runs import outcomes, proofs
from marketplace.runs.models import Trial
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.jobs.compile_model import COMPILED_NAMES
from workers.steps.engine import do_job
from workers.steps.run_files import bring, folder_for, keep

INT8_FILE, _ = COMPILED_NAMES


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Compile its int8 file; keep what a device needs."""
    trial = Trial.objects.select_related("run").get(pk=lease.subject)
    heartbeat.report({"phase": "Compiling with edgetpu_compiler"})
    with folder_for(lease) as folder:
        models = {INT8_FILE: str(bring(trial.run, INT8_FILE, folder, trial=trial))}
        result = do_job("compile_trial", heartbeat, models=models, out_dir=str(folder / "compiled"))
        files = keep(result.pop("files"))
    with lifecycle.finishing(lease):
        outcomes.keep_files(trial.run, trial, files)
        proofs.record_compiled(trial, result)
        outcomes.advance(trial.run_id)


def fail(subject: int, sentence: str) -> None:
    """Nothing is known of the network but its estimate."""
    trial = Trial.objects.select_related("run").get(pk=subject)
    proofs.record_compiled(trial, {"state": "not_compiled", "sentence": sentence})
    outcomes.advance(trial.run_id)

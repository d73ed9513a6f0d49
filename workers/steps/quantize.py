"""Quantize a run's best network to int8, and estimate what the chip will make of the file."""

from __future__ import annotations

from marketplace.runs import outcomes
from marketplace.runs.models import Artifact
from marketplace.storage import fetch
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job
from workers.steps.pictures import pictures_of
from workers.steps.run_files import fail_run, folder_for, keep, run_of


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Make the int8 files, the labels and the architecture file."""
    run_row = run_of(lease)
    heartbeat.report({"phase": "Quantizing to int8"})
    with folder_for(lease) as folder:
        trained = Artifact.objects.get(trial=run_row.best_trial_id, name="checkpoint.keras")
        result = do_job(
            "quantize",
            heartbeat,
            checkpoint=str(fetch(trained.storage_key, folder / "checkpoint.keras")),
            architecture=run_row.best_trial.architecture if run_row.best_trial else {},
            device=run_row.device,
            seed=run_row.seed,
            onchip_limit_bytes=run_row.onchip_limit_bytes,
            out_dir=str(folder),
            **pictures_of(run_row),
        )
        files = keep(result["files"])
    with lifecycle.finishing(lease):
        outcomes.record_quantized(run_row, result, files)


fail = fail_run

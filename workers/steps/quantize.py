"""Train a run's best network to its end, quantize it to int8, and estimate what the chip will make of the file."""

from __future__ import annotations

import shutil

from marketplace.runs import outcomes
from marketplace.runs.models import Artifact
from marketplace.storage import fetch, scratch_folder
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job
from workers.steps.parents import parent_of
from workers.steps.pictures import pictures_of
from workers.steps.run_files import fail_run, folder_for, keep, run_of


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Train the best network for longer where that helps; make the int8 files, the labels and the architecture file."""
    run_row = run_of(lease)
    architecture = run_row.best_trial.architecture if run_row.best_trial else {}
    longer = scratch_folder("runs", f"{run_row.pk}-longer")
    with folder_for(lease) as folder:
        checkpoint = Artifact.objects.get(trial=run_row.best_trial_id, name="checkpoint.keras")
        finished = do_job(
            "finish",
            heartbeat,
            checkpoint=str(fetch(checkpoint.storage_key, folder / "checkpoint.keras")),
            architecture=architecture,
            seed=run_row.seed,
            parent=parent_of(run_row),
            out_dir=str(longer),
            **pictures_of(run_row),
        )
        heartbeat.report({"phase": "Quantizing to int8"})
        result = do_job(
            "quantize",
            heartbeat,
            checkpoint=finished["checkpoint"],
            architecture=architecture,
            device=run_row.device,
            seed=run_row.seed,
            onchip_limit_bytes=run_row.onchip_limit_bytes,
            out_dir=str(folder),
            **pictures_of(run_row),
        )
        result["quantization"]["final_training"] = finished["training"]
        files = keep(result["files"])
        trained = keep(finished["files"]) if finished["training"]["kept"] else {}
    with lifecycle.finishing(lease):
        outcomes.record_quantized(run_row, result, files, trained)
    shutil.rmtree(longer, ignore_errors=True)


fail = fail_run

"""Train a run's best network to its end, quantize it to int8, and estimate what the chip will make of the file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from marketplace.runs import outcomes
from marketplace.runs.models import Artifact, Run
from marketplace.runs.specs import record_of, spec_for
from marketplace.storage import fetch, scratch_folder
from marketplace.work import lifecycle
from search.minutes import last_seconds
from workers.errors import StepFailed
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job
from workers.steps.parents import parent_of, start_of
from workers.steps.pictures import pictures_of
from workers.steps.run_files import fail_run, folder_for, keep, run_of


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Train the best network for longer where that helps; make the int8 files, the labels and the architecture file."""
    run_row = run_of(lease)
    architecture = run_row.best_trial.architecture if run_row.best_trial else {}
    longer = scratch_folder("runs", f"{run_row.pk}-longer")
    with folder_for(lease) as folder:
        checkpoint = Artifact.objects.get(trial=run_row.best_trial_id, name="checkpoint.keras")
        trained = fetch(checkpoint.storage_key, folder / "checkpoint.keras")
        finished = _finished(run_row, architecture, trained, longer, heartbeat)
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
        final = keep(finished["files"]) if finished["training"]["kept"] else {}
    with lifecycle.finishing(lease):
        outcomes.record_quantized(run_row, result, files, final)
    shutil.rmtree(longer, ignore_errors=True)


def _finished(
    run_row: Run, architecture: dict[str, Any], trained: Path, folder: Path, heartbeat: Heartbeat
) -> dict[str, Any]:
    """Return what the longer training came to; a worker without the weights that it begins with leaves it out."""
    try:
        parent = parent_of(run_row) if run_row.best_trial is None else start_of(run_row.best_trial)
    except StepFailed as error:
        sentence = f"The chosen network was not trained for longer. {error}"
        return {"checkpoint": str(trained), "training": {"kept": False, "sentence": sentence}}
    best = None if run_row.best_trial is None else record_of(run_row.best_trial)
    return do_job(
        "finish",
        heartbeat,
        checkpoint=str(trained),
        architecture=architecture,
        seed=run_row.seed,
        parent=parent,
        knows_pictures=best is not None and best.parent is not None,
        stopped=best is not None and best.stopped,
        trial_seconds=best and best.seconds,
        most_seconds=last_seconds(spec_for(run_row)),
        out_dir=str(folder),
        **pictures_of(run_row),
    )


fail = fail_run

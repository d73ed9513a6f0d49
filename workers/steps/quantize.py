"""Train a run's best network to its end, quantize it to int8, and estimate what the chip will make of the file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from marketplace.runs import outcomes
from marketplace.runs.models import Run, Trial
from marketplace.runs.specs import history_of, record_of, seconds_of_trials, spec_for
from marketplace.storage import scratch_folder
from marketplace.work import lifecycle
from search.distillation import as_last
from search.shares import shares_of
from workers.errors import StepFailed
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job, threads_for, threads_per_process
from workers.steps.parents import CHECKPOINT, start_of
from workers.steps.pictures import pictures_of
from workers.steps.run_files import bring, fail_run, folder_for, keep, run_of

WORTH_ALL_CORES_S = 60.0
"""A trial that took so long is trained again with all cores, if they are idle: a new process takes ten seconds."""
NO_NETWORK = "The network that was chosen is gone, so no files can be made of it. Order the search again."


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Train the best network for longer where that helps; make the int8 files, the labels and the architecture file."""
    run_row = run_of(lease)
    best = run_row.best_trial
    if best is None:
        raise StepFailed(NO_NETWORK)
    longer = scratch_folder("runs", f"{run_row.pk}-longer")
    with folder_for(lease) as folder:
        trained = bring(run_row, CHECKPOINT, folder, trial=best)
        is_long = (record_of(best).seconds or 0.0) >= WORTH_ALL_CORES_S
        threads = threads_for(lease) if is_long else threads_per_process()
        finished = _finished(run_row, best, trained, longer, heartbeat, threads)
        heartbeat.report({"phase": "Quantizing to int8"})
        result = do_job(
            "quantize",
            heartbeat,
            threads=threads,
            checkpoint=finished["checkpoint"],
            architecture=best.architecture,
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
    run_row: Run, best: Trial, trained: Path, folder: Path, heartbeat: Heartbeat, threads: int
) -> dict[str, Any]:
    """Return what the longer training came to; a worker without the weights that it begins with leaves it out."""
    spec = spec_for(run_row)
    record = as_last(spec, history_of(run_row), record_of(best))
    try:
        start = start_of(run_row, record)
    except StepFailed as error:
        sentence = f"The chosen network was not trained for longer. {error}"
        return {"checkpoint": str(trained), "training": {"kept": False, "sentence": sentence}}
    share = shares_of(spec, [record], threads // threads_per_process(), seconds_of_trials(run_row))[0]
    finished = do_job(
        "finish",
        heartbeat,
        threads=threads,
        checkpoint=str(trained),
        architecture=best.architecture,
        seed=run_row.seed,
        stopped=record.stopped,
        trial_seconds=record.seconds,
        most_seconds=share.seconds,
        out_dir=str(folder),
        **start,
        **pictures_of(run_row),
    )
    return {**finished, "training": {**finished["training"], "teacher_trial": record.teacher}}


fail = fail_run

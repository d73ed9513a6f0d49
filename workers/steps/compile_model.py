"""Compile a run's int8 files with Coral's compiler; a failure is written down in words and the run goes on."""

from __future__ import annotations

from marketplace.runs import outcomes
from marketplace.runs.models import Run
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job
from workers.steps.run_files import bring, folder_for, keep, run_of


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Compile both input types, check each compiled file against its source, keep them and the compiler's log."""
    run_row = run_of(lease)
    heartbeat.report({"phase": "Compiling with edgetpu_compiler"})
    with folder_for(lease) as folder:
        models = {name: str(bring(run_row, name, folder)) for name in ("model_int8.tflite", "model_uint8.tflite")}
        result = do_job("compile_model", heartbeat, models=models, out_dir=str(folder / "compiled"))
        files = keep(result.pop("files"))
    with lifecycle.finishing(lease):
        outcomes.record_compiled(run_row, result, files)


def fail(subject: int, sentence: str) -> None:
    """The model stays uncompiled; its int8 files are still worth having."""
    outcomes.record_compiled(Run.objects.get(pk=subject), {"state": "failed", "sentence": sentence}, {})

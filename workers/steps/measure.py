"""Time a run's compiled model on an attached Edge TPU."""

from __future__ import annotations

from marketplace.runs import outcomes
from marketplace.runs.models import Run
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job
from workers.steps.run_files import bring, folder_for, run_of


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Run the compiled int8 model by the measuring protocol."""
    run_row = run_of(lease)
    heartbeat.report({"phase": "Measuring on the Edge TPU"})
    with folder_for(lease) as folder:
        model = bring(run_row, "model_edgetpu.tflite", folder)
        result = do_job("measure", heartbeat, model=str(model))
    with lifecycle.finishing(lease):
        outcomes.record_measured(run_row, result)


def fail(subject: int, sentence: str) -> None:
    """The model stays unmeasured; it is done all the same."""
    outcomes.record_measured(Run.objects.get(pk=subject), {"state": "not_measured", "sentence": sentence})

"""Compare a run's float and int8 networks on the test split, once."""

from __future__ import annotations

from marketplace.runs import outcomes
from marketplace.work import lifecycle
from workers.heartbeat import Heartbeat
from workers.steps.engine import do_job
from workers.steps.pictures import pictures_of
from workers.steps.run_files import bring, bring_trained, fail_run, folder_for, run_of

FILES = ("checkpoint.keras", "model_int8.tflite", "model_uint8.tflite")


def run(lease: lifecycle.Lease, heartbeat: Heartbeat) -> None:
    """Judge the files that people will download."""
    run_row = run_of(lease)
    heartbeat.report({"phase": "Judging on the test split"})
    with folder_for(lease) as folder:
        paths = {name: str(bring(run_row, name, folder)) for name in FILES}
        paths[outcomes.TRAINED] = str(bring_trained(run_row, folder))
        result = do_job("validate", heartbeat, paths=paths, quantization=run_row.quantization, **pictures_of(run_row))
    with lifecycle.finishing(lease):
        outcomes.record_validated(run_row, result)


fail = fail_run

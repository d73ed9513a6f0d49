"""Train an architecture and judge its int8 form on the validation split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.architecture import Architecture
from search.judge import judge_trial
from search.progress import Progress
from search.spec import SearchSpec
from search.trial import TrialRecord
from workers.job_process import Report
from workers.jobs.arrays import dataset_for

PHASES = {"training": "Training", "quantizing": "Quantizing", "judging": "Judging on the validation split"}
KEPT = ("checkpoint.keras", "model_int8.tflite")
"""What a trial leaves behind; everything else can be made from its checkpoint."""


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the trial's figures and its files; a training that was killed goes on from its last epoch."""
    dataset = dataset_for(job, report)
    spec = SearchSpec.from_json(job["spec"])
    architecture = Architecture.from_json(job["architecture"])

    def tell(progress: Progress) -> None:
        report(in_words(progress))

    parent = Path(job["parent"]) if job.get("parent") else None
    history = [TrialRecord.from_json(record) for record in job.get("history", ())]
    outcome = judge_trial(
        architecture,
        dataset,
        spec,
        Path(job["out_dir"]),
        tell,
        parent=parent,
        knows_pictures=job.get("knows_pictures", False),
        teacher=Path(job["teacher"]) if job.get("teacher") else None,
        history=history,
    )
    return {
        "validation_accuracy": outcome.validation_accuracy,
        "float_accuracy": outcome.float_accuracy,
        "seconds": outcome.seconds,
        "metrics": {**outcome.metrics, "epochs": outcome.epochs},
        "files": {name: str(outcome.artifacts[name]) for name in KEPT},
    }


def in_words(progress: Progress) -> dict[str, Any]:
    """Return a trial's progress as the page shows it."""
    return {
        "phase": PHASES.get(progress.step, progress.step),
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "train_accuracy": progress.train_accuracy,
        "validation_accuracy": progress.validation_accuracy,
        "eta_s": progress.eta_seconds,
    }

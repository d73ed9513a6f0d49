"""Train the chosen network for longer, where its trial was short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.architecture import Architecture
from search.finishing import finish
from search.progress import Progress
from workers.job_process import Report
from workers.jobs.arrays import dataset_for
from workers.jobs.train import in_words
from workers.jobs.validate import TRAINED


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return the checkpoint to go on with, and what was done; one that was killed goes on from its last epoch."""
    dataset = dataset_for(job, report)

    def tell(progress: Progress) -> None:
        report({**in_words(progress), "phase": "Training the chosen network for longer"})

    finished = finish(
        Architecture.from_json(job["architecture"]),
        dataset,
        Path(job["checkpoint"]),
        Path(job["out_dir"]),
        seed=job["seed"],
        parent=Path(job["parent"]) if job.get("parent") else None,
        knows_pictures=job.get("knows_pictures", False),
        teacher=Path(job["teacher"]) if job.get("teacher") else None,
        stopped=job["stopped"],
        trial_seconds=job.get("trial_seconds"),
        most_seconds=job.get("most_seconds"),
        on_progress=tell,
    )
    checkpoint = str(finished.checkpoint)
    return {"checkpoint": checkpoint, "files": {TRAINED: checkpoint}, "training": finished.to_json()}

"""A dataset's arrays, made once on this machine however many trials begin at the same moment."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

from marketplace.datasets.preparing import prepare
from search.dataset import Dataset, load
from workers.job_process import Report


def dataset_for(job: dict[str, Any], report: Report) -> Dataset:
    """Return the dataset of a job, decoding its pictures if no job here did before."""
    arrays = Path(job["arrays"])
    arrays.parent.mkdir(parents=True, exist_ok=True)
    with arrays.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not arrays.exists():
            report({"phase": "Preparing the pictures"})
            prepare(Path(job["archive"]), Path(job["manifest"]), int(job["px"]), arrays)
    return load(arrays)

"""Choose the next architecture."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search.estimates import architecture_estimate
from search.spec import SearchSpec
from search.trial import TrialRecord
from search.tuner import next_architecture
from workers.job_process import Report


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return an architecture that was not tried, with its key and estimate; nothing if none is left."""
    spec = SearchSpec.from_json(job["spec"])
    history = [TrialRecord.from_json(record) for record in job["history"]]
    with TemporaryDirectory(prefix="atoll-proposal-") as scratch:  # keras-tuner's notes; the rows know everything
        architecture = next_architecture(spec, history, Path(scratch))
    if architecture is None:
        return {}
    return {
        "architecture": architecture.to_json(),
        "key": architecture.key,
        "estimate": architecture_estimate(architecture, spec),
    }

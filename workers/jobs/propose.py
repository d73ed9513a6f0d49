"""Choose the next architecture."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search.estimates import architecture_estimate
from search.propose import Stopped
from search.spec import SearchSpec
from search.trial import TrialRecord
from search.tuner import next_proposal_after
from workers.job_process import Report


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return an architecture that was not tried, with its key and estimate and why; or why the search has stopped."""
    spec = SearchSpec.from_json(job["spec"])
    history = [TrialRecord.from_json(record) for record in job["history"]]
    with TemporaryDirectory(prefix="atoll-proposal-") as scratch:  # keras-tuner's notes; the rows know everything
        found = next_proposal_after(spec, history, Path(scratch))
    if isinstance(found, Stopped):
        return {"stopped": found.reason}
    return {
        "architecture": found.architecture.to_json(),
        "key": found.architecture.key,
        "estimate": architecture_estimate(found.architecture, spec),
        "proposal": found.to_json(),
    }

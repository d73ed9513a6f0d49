"""Compile the int8 file of a trial with Coral's compiler, during the search: a refusal is a result, too."""

from __future__ import annotations

from typing import Any

from edgetpu.errors import CompileFailed
from search.correction import REFUSED
from workers.job_process import Report
from workers.jobs import compile_model


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return what `compile_model` returns; where the compiler refuses the file, only that and why."""
    try:
        return compile_model.run(job, report)
    except CompileFailed as error:
        return {"state": REFUSED, "sentence": str(error), "files": {}}

"""Load what trials need, so that processes which begin together do it at the same time, not one after the other."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from workers.job_process import Report

MODULES = ("search.tuner", "search.judge")


def run(job: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return nothing; TensorFlow and the search are loaded then."""
    for name in MODULES:
        import_module(name)
    return {}

"""How measured latencies compare with estimated ones, in one search. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from search.cost import cost_of
from search.spec import SearchSpec
from search.trial import TrialRecord


def correction_of(spec: SearchSpec, history: Sequence[TrialRecord]) -> float:
    """Return the factor by which estimates of this search are multiplied: the median of measured over estimated.

    A device of its own kind, its host and its clock change all latencies alike more than one by one, so one factor is
    what a few measurements can tell. 1 as long as nothing was measured.
    """
    ratios = [
        record.measured_ms / cost_of(spec, record.architecture).latency_ms for record in history if record.measured_ms
    ]
    return median(ratios) if ratios else 1.0

"""Which of the networks that were tried a search is for: the best one, or some along the front. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.correction import holding
from search.front import front_positions
from search.spec import SearchSpec
from search.trial import TrialRecord

MOST_OF_FRONT = 4
"""Networks whose files are made where the best for every latency are looked for."""


def best_of(spec: SearchSpec, records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the trial that is worth most of those that hold the limits: by int8 accuracy, then float, then speed."""
    return max(holding(spec, records), key=_worth, default=None)


def front_of(spec: SearchSpec, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that no other beats in both accuracy and latency, of those that hold the limits."""
    done = holding(spec, records)
    values = np.array([record.validation_accuracy or 0.0 for record in done])
    costs = np.array([record.latency_ms or 0.0 for record in done])
    return [done[position] for position in front_positions(values, costs)]


def some_of_front(spec: SearchSpec, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return networks that no other beats in both accuracy and latency, at most MOST_OF_FRONT, fastest and best among
    them; between those, the ones farthest apart in order.
    """
    front = front_of(spec, records)
    chosen = np.unique(np.linspace(0, len(front) - 1, min(MOST_OF_FRONT, len(front))).round().astype(int))
    return [front[position] for position in chosen]


def _worth(record: TrialRecord) -> tuple[float, float, float]:
    return record.validation_accuracy or 0.0, record.float_accuracy or 0.0, -(record.latency_ms or 0.0)

"""Which networks of a search without the site are made into files. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.front import front_positions
from search.trial import TrialRecord

MOST_OF_FRONT = 4
"""Networks whose files are made where the best for every latency are looked for."""


def best_of(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the trial that is worth most: accuracy in int8, then in float, then speed."""
    return max((record for record in records if record.finished_well), key=_worth, default=None)


def front_of(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that no other beats in both accuracy and latency."""
    done = [record for record in records if record.finished_well]
    values = np.array([record.validation_accuracy or 0.0 for record in done])
    costs = np.array([record.latency_ms or 0.0 for record in done])
    return [done[position] for position in front_positions(values, costs)]


def some_of_front(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return networks that no other beats in both accuracy and latency, at most MOST_OF_FRONT, fastest and best among
    them; between those, the ones farthest apart in order.
    """
    front = front_of(records)
    chosen = np.unique(np.linspace(0, len(front) - 1, min(MOST_OF_FRONT, len(front))).round().astype(int))
    return [front[position] for position in chosen]


def _worth(record: TrialRecord) -> tuple[float, float, float]:
    return record.validation_accuracy or 0.0, record.float_accuracy or 0.0, -(record.latency_ms or 0.0)

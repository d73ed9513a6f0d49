"""Which of the networks that were tried a search is for: the best one, or some along the front. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search.correction import holding
from search.front import Floats, front_positions, hypervolume
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
    costs = np.array([record.latency_ms or 0.0 for record in done])
    return [done[position] for position in front_positions(_values(done), costs)]


def some_of_front(spec: SearchSpec, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return networks that no other beats in both accuracy and latency, at most MOST_OF_FRONT: the best, and those that
    with it give most accuracy for every latency. So one that is a little faster and much less accurate is left out.
    """
    front = front_of(spec, records)
    chosen, left = front[-1:], front[:-1]
    while left and len(chosen) < MOST_OF_FRONT:
        gains = [_area([*chosen, each], front) for each in left]
        chosen.append(left.pop(int(np.argmax(gains))))
    return sorted(chosen, key=lambda each: each.latency_ms or 0.0)


def _area(chosen: Sequence[TrialRecord], front: Sequence[TrialRecord]) -> float:
    """Return what some of a front give, summed over its latencies, above what lies as far below its middle as the best
    lies above.
    """
    values, costs = _values(chosen), np.array([each.latency_ms or 0.0 for each in chosen])
    worst = 2 * float(np.median(_values(front))) - float(_values(front).max())
    return hypervolume(values, costs, worst_value=worst, worst_cost=front[-1].latency_ms or 0.0)


def _values(records: Sequence[TrialRecord]) -> Floats:
    return np.array([record.validation_accuracy or 0.0 for record in records])


def _worth(record: TrialRecord) -> tuple[float, float, float]:
    return record.validation_accuracy or 0.0, record.float_accuracy or 0.0, -(record.latency_ms or 0.0)

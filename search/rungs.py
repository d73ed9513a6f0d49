"""Whether a training is worth its end: at the rung, a quarter of its way, the weaker ones stop. Pure.

Asynchronous successive halving (Li et al. 2020) in the form that stops: nobody waits for others, nothing is taken up
again. What is stopped was trained at the learning rate of that moment, so it is compared only with what others had
reached there; what it would have become is foretold from those that went on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from search.problem import Goal
from search.spec import SearchSpec
from search.trial import TrialRecord

RUNG = 0.25
"""Share of the epochs. Source: accuracy after 12 of 200 epochs ranks networks of NAS-Bench-201 at Spearman 0.82
(shared/design/SEARCH.md)."""
FEWEST_RIVALS = 2
"""So many trainings reach their end before any is stopped."""


def rung_epoch(epochs: int) -> int:
    """Return after how many epochs a training is looked at; 0 where it is too short to gain by it."""
    return math.ceil(RUNG * epochs) if epochs >= 4 else 0


def goes_on(spec: SearchSpec, history: Sequence[TrialRecord], latency_ms: float, accuracy: float) -> bool:
    """Return whether a training belongs to the better half of those that were at the rung before, and itself.

    Better is who is farther above what costs no more, because latency is known: a fast network need not beat a slow
    one, unless the most accurate of all is looked for.

    Args:
        spec: what is asked.
        history: all other trials so far.
        latency_ms: of the network.
        accuracy: of the float network on validation pictures, at the rung.
    """
    reached = [record for record in history if record.rung_accuracies]
    if len(reached) < FEWEST_RIVALS:
        return True
    points = [(record.latency_ms or 0.0, record.rung_accuracies[0]) for record in reached]
    own = _margin(spec, (latency_ms, accuracy), points)
    others = [
        _margin(spec, point, [*points[:at], *points[at + 1 :], (latency_ms, accuracy)])
        for at, point in enumerate(points)
    ]
    better = sum(margin > own for margin in others)
    return better < (len(points) + 1) / 2


def ended(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials with what stopped ones would have reached: what they had, and the mean gain of the others."""
    gains = [
        record.validation_accuracy - record.rung_accuracies[0]
        for record in records
        if record.finished_well and record.validation_accuracy is not None and len(record.rung_accuracies) > 1
    ]
    mean_gain = sum(gains) / len(gains) if gains else 0.0
    return [_foretold(record, mean_gain) if record.stopped else record for record in records]


def _foretold(record: TrialRecord, mean_gain: float) -> TrialRecord:
    return replace(record, validation_accuracy=min(1.0, record.rung_accuracies[0] + mean_gain))


def _margin(spec: SearchSpec, point: tuple[float, float], others: Sequence[tuple[float, float]]) -> float:
    """Return by how much a network is above the best that costs no more; for a single target, above all others."""
    latency_ms, accuracy = point
    rivals = [other for cost, other in others if spec.objective == Goal.TARGET or cost <= latency_ms]
    return accuracy - max(rivals, default=0.0)

"""Whether a training is worth its end: at the rung, a quarter of its way, the weaker ones stop. Pure.

Asynchronous successive halving (Li et al. 2020) in the form that stops: nobody waits for others, nothing is taken up
again. What is stopped was trained at the learning rate of that moment, so it is compared only with what others had
reached there, each with what its kind gains between rung and end: a whole published network has most of what it will
reach at the rung, one that was cut out of it little (benchmarks/RESULTS.md, search, Quarters). So is what it would have
become.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from models.architecture import Architecture
from search.cost import is_published
from search.problem import Goal
from search.spec import SearchSpec
from search.trial import TrialRecord

RUNG = 0.25
"""Share of the epochs. Source: accuracy after 12 of 200 epochs ranks networks of NAS-Bench-201 at Spearman 0.82
(shared/design/SEARCH.md)."""
FEWEST_RIVALS = 2
"""So many trainings reach their end before any is stopped."""
PROMISED_LEAD = 0.01
"""Accuracy that a training promises above all that costs no more, and goes on for, where a front is looked for: the
better half of few trials is no front. Source: benchmarks/RESULTS.md, search, Photographs."""
Kind = tuple[bool, bool]
"""How a training begins: with the whole published network, and with what a finished trial has learned."""


def rung_epoch(epochs: int) -> int:
    """Return after how many epochs a training is looked at; 0 where it is too short to gain by it."""
    return math.ceil(RUNG * epochs) if epochs >= 4 else 0


def kind_of(spec: SearchSpec, architecture: Architecture, *, knows_pictures: bool) -> Kind:
    """Return how a network's training begins.

    Args:
        spec: what is asked.
        architecture: of the network.
        knows_pictures: whether it begins with a finished trial of the search.
    """
    return is_published(architecture, spec.backbone), knows_pictures


def goes_on(spec: SearchSpec, history: Sequence[TrialRecord], kind: Kind, latency_ms: float, accuracy: float) -> bool:
    """Return whether a training promises to belong to the better half of those that were at the rung, and itself.

    Better is who is farther above what costs no more, because latency is known: a fast network need not beat a slow
    one, unless the most accurate of all is looked for. The first of its kind goes on, and whoever promises a lead of
    `PROMISED_LEAD` along a front.

    Args:
        spec: what is asked.
        history: all other trials so far.
        kind: how the training began.
        latency_ms: of the network.
        accuracy: of the float network on validation pictures, at the rung.
    """
    reached = [record for record in history if record.rung_accuracies]
    gains = _mean_gains(spec, reached)
    if len(reached) < FEWEST_RIVALS or kind not in gains:
        return True
    promise = latency_ms, accuracy + gains[kind]
    points = [
        (record.latency_ms or 0.0, record.rung_accuracies[0] + gains[of])
        for record in reached
        if (of := _kind(spec, record)) in gains
    ]
    own = _margin(spec, promise, points)
    if spec.objective == Goal.FRONT and own >= PROMISED_LEAD:
        return True
    others = [_margin(spec, point, [*points[:at], *points[at + 1 :], promise]) for at, point in enumerate(points)]
    better = sum(margin > own for margin in others)
    return better < (len(points) + 1) / 2


def ended(spec: SearchSpec, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials with what stopped ones would have reached: what they had, and the mean gain of their kind."""
    gains = _mean_gains(spec, records)
    usual = fmean(gains.values()) if gains else 0.0
    return [
        _foretold(record, gains.get(_kind(spec, record), usual)) if record.stopped else record for record in records
    ]


def _mean_gains(spec: SearchSpec, records: Sequence[TrialRecord]) -> dict[Kind, float]:
    """Return what trainings of each kind gained between rung and end."""
    gains = defaultdict[Kind, list[float]](list)
    for record in records:
        if record.finished_well and record.validation_accuracy is not None and len(record.rung_accuracies) > 1:
            gains[_kind(spec, record)].append(record.validation_accuracy - record.rung_accuracies[0])
    return {kind: fmean(found) for kind, found in gains.items()}


def _kind(spec: SearchSpec, record: TrialRecord) -> Kind:
    return kind_of(spec, record.architecture, knows_pictures=record.parent is not None)


def _foretold(record: TrialRecord, mean_gain: float) -> TrialRecord:
    return replace(record, validation_accuracy=min(1.0, record.rung_accuracies[0] + mean_gain))


def _margin(spec: SearchSpec, point: tuple[float, float], others: Sequence[tuple[float, float]]) -> float:
    """Return by how much a network is above the best that costs no more; for a single target, above all others."""
    latency_ms, accuracy = point
    rivals = [other for cost, other in others if spec.objective == Goal.TARGET or cost <= latency_ms]
    return accuracy - max(rivals, default=0.0)

"""What to do next where trainings have rungs: train a promising trial longer, or start a new one.

Asynchronous successive halving (Li et al. 2020): nobody waits for a rung to fill up. A trial goes on when it is among
the best third of all that reached its rung. Best is who is farthest above what costs no more, because latency is
known: a fast network need not beat a slow one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from search.problem import Goal
from search.propose import Proposal, Stopped, next_proposal
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

REDUCTION = 3
"""One in so many goes on to the next rung. Source: the paper's default is 4, Hyperband's 3; few trials want less."""
TRIALS_USED_UP = Stopped("All trials that were ordered are used up, and none of them is worth a longer training.")


@dataclass(frozen=True, slots=True)
class Promotion:
    """A trial that is to be trained on from where it stopped."""

    number: int
    """Of the trial."""
    rung: int
    """That it is trained to."""
    reason: str
    """A sentence for people."""


def next_step(spec: SearchSpec, history: Sequence[TrialRecord], rungs: int) -> Proposal | Promotion | Stopped:
    """Return the trial to train on, or the network to start with, or why there is neither.

    New networks are chosen by what the first rung said of the others, which is known of all of them.

    Args:
        spec: what is asked.
        history: every trial so far; `rung` is the one that a trial has reached, or that it is being trained to.
        rungs: how many there are.
    """
    found = promotion(spec, history, rungs)
    if found:
        return found
    if len(history) >= spec.trials:
        return TRIALS_USED_UP
    return next_proposal(spec, [_first_rung(record) for record in history])


def promotion(spec: SearchSpec, history: Sequence[TrialRecord], rungs: int) -> Promotion | None:
    """Return the trial that goes on, the farthest rung first; None if none has earned it yet."""
    for rung in reversed(range(rungs - 1)):
        reached = [record for record in history if len(record.rung_accuracies) > rung]
        ranked = sorted(reached, key=lambda record: (-_margin(spec, record, reached, rung), record.number))
        earned = ranked[: len(reached) // REDUCTION]
        waiting = [record for record in earned if record.state == TrialState.DONE and record.rung == rung]
        if waiting:
            reason = f"Among the best {len(earned)} of {len(reached)} after the shorter training, so it is trained on."
            return Promotion(waiting[0].number, rung + 1, reason)
    return None


def _margin(spec: SearchSpec, record: TrialRecord, reached: Sequence[TrialRecord], rung: int) -> float:
    """Return by how much a trial is above the best that costs no more; for a single target, above all others."""
    own, limit_ms = record.rung_accuracies[rung], record.latency_ms
    others = [
        other.rung_accuracies[rung]
        for other in reached
        if other.number != record.number
        and (
            spec.objective == Goal.TARGET
            or other.latency_ms is None
            or limit_ms is None
            or other.latency_ms <= limit_ms
        )
    ]
    return own - max(others, default=0.0)


def _first_rung(record: TrialRecord) -> TrialRecord:
    """Return the trial as it was after its first rung, also while it is being trained on."""
    if not record.rung_accuracies:
        return record
    return replace(record, state=TrialState.DONE, validation_accuracy=record.rung_accuracies[0])

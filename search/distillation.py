"""Which finished trial a new network learns from, beside the labels. Pure.

What is cut out of a published network must learn anew what it lost, and a few hundred labels say little. A whole
network that has learned the same pictures says of each how much it resembles every class (Hinton et al. 2015). It
teaches only while it is ahead: those that had come as far were better off with the labels alone (benchmarks/RESULTS.md,
search, Teachers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.architecture import Architecture
from search.cost import is_published, taught_seconds
from search.spec import SearchSpec
from search.trial import TrialRecord

LEAST_LEAD = 0.02
"""Accuracy by which a teacher must be ahead. On three splits of a small set it helped by one to five points where it
was six to eleven ahead, and hurt by two to three where it was not ahead."""


def teacher_of(spec: SearchSpec, history: Sequence[TrialRecord], architecture: Architecture) -> int | None:
    """Return the number of the trial that a new network learns from: one that is ahead of all that was cut out so far.

    Args:
        spec: what is asked.
        history: every trial so far.
        architecture: of the network.

    Returns:
        None where labels are all that it learns from: the published network itself, and any where none is ahead.
    """
    if is_published(architecture, spec.backbone):
        return None
    pupils = [
        record.float_accuracy or 0.0
        for record in _at_their_end(history)
        if not is_published(record.architecture, spec.backbone)
    ]
    return _ahead_of(max(pupils, default=0.0), spec, history)


def as_last(spec: SearchSpec, history: Sequence[TrialRecord], chosen: TrialRecord) -> TrialRecord:
    """Return a chosen trial as its longer training goes: with the teacher that is ahead by then, or none, and with the
    seconds that the trial would have taken with that one.

    It may be another one than in its trial: where several train at once, the best whole network often is not at its end
    when one that was cut out begins. A whole network has one only here: of small pictures it learns more from one that
    sees larger ones (benchmarks/RESULTS.md, search, Photographs).
    """
    if not spec.backbone:
        return chosen
    last = replace(chosen, teacher=_ahead_of(chosen.float_accuracy or 0.0, spec, history))
    if chosen.seconds is None:
        return last
    slower = foretold_seconds(spec, history, last) / foretold_seconds(spec, history, chosen)
    return replace(last, seconds=chosen.seconds * slower)


def foretold_seconds(spec: SearchSpec, history: Sequence[TrialRecord], record: TrialRecord) -> float:
    """Return what a trial's training takes of one processor core, about, with the teacher that it has."""
    teacher = next((each.architecture for each in history if each.number == record.teacher), None)
    return taught_seconds(spec, record.architecture, teacher)


def _ahead_of(pupil: float, spec: SearchSpec, history: Sequence[TrialRecord]) -> int | None:
    """Return who teaches a network, where the best of its kind comes to an accuracy: of those that are right about as
    often as the best of them, the one with the smallest pictures, because a teacher may take longer for an answer than
    its pupil for a step.
    """
    if not spec.backbone:
        return None
    teachers = [
        (record.float_accuracy or 0.0, record)
        for record in _at_their_end(history)
        if is_published(record.architecture, spec.backbone)
    ]
    ahead = [each for each in teachers if is_ahead(each[0], pupil)]
    best = max((accuracy for accuracy, _ in ahead), default=0.0)
    as_good = [each for each in ahead if not is_ahead(best, each[0])]
    chosen = min(as_good, key=lambda each: (each[1].architecture.image_px, -each[0], each[1].number), default=None)
    return chosen[1].number if chosen else None


def _at_their_end(history: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [each for each in history if each.finished_well and not each.stopped and each.float_accuracy is not None]


def is_ahead(teacher: float, pupil: float) -> bool:
    """Say whether a teacher's accuracy is so much better that learning from it helps."""
    return teacher >= pupil + LEAST_LEAD

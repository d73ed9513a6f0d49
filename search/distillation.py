"""Which finished trial a new network learns from, beside the labels. Pure.

What is cut out of a published network must learn anew what it lost, and a few hundred labels say little. A whole
network that has learned the same pictures says of each how much it resembles every class (Hinton et al. 2015). It
teaches only while it is ahead: those that had come as far were better off with the labels alone (benchmarks/RESULTS.md,
search, Teachers).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.architecture import Architecture
from search.cost import is_published
from search.spec import SearchSpec
from search.trial import TrialRecord

LEAST_LEAD = 0.02
"""Accuracy by which a teacher must be ahead. On three splits of a small set it helped by one to five points where it
was six to eleven ahead, and hurt by two to three where it was not ahead."""


def teacher_of(spec: SearchSpec, history: Sequence[TrialRecord], architecture: Architecture) -> int | None:
    """Return the number of the trial that a network learns from: of those that are right about as often as the best of
    them, the one with the smallest pictures, because a teacher may take longer for an answer than its pupil for a step.

    Args:
        spec: what is asked.
        history: every trial so far.
        architecture: of the network.

    Returns:
        None where labels are all that it learns from: the published network itself, and any where none is ahead.
    """
    if not spec.backbone or is_published(architecture, spec.backbone):
        return None
    teachers, pupils = list[tuple[float, TrialRecord]](), [0.0]
    for record in history:
        if not record.finished_well or record.stopped or record.float_accuracy is None:
            continue
        if is_published(record.architecture, spec.backbone):
            teachers.append((record.float_accuracy, record))
        else:
            pupils.append(record.float_accuracy)
    ahead = [each for each in teachers if is_ahead(each[0], max(pupils))]
    best = max((accuracy for accuracy, _ in ahead), default=0.0)
    as_good = [each for each in ahead if not is_ahead(best, each[0])]
    chosen = min(as_good, key=lambda each: (each[1].architecture.image_px, -each[0], each[1].number), default=None)
    return chosen[1].number if chosen else None


def is_ahead(teacher: float, pupil: float) -> bool:
    """Say whether a teacher's accuracy is so much better that learning from it helps."""
    return teacher >= pupil + LEAST_LEAD

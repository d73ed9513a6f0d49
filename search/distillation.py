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
    """Return the number of the trial that a network learns from: the one that is right most often.

    Args:
        spec: what is asked.
        history: every trial so far.
        architecture: of the network.

    Returns:
        None where labels are all that it learns from: the published network itself, and any where none is ahead.
    """
    if not spec.backbone or is_published(architecture, spec.backbone):
        return None
    worth, pupils = dict[int, float](), [0.0]
    for record in history:
        if not record.finished_well or record.stopped or record.float_accuracy is None:
            continue
        if is_published(record.architecture, spec.backbone):
            worth[record.number] = record.float_accuracy
        else:
            pupils.append(record.float_accuracy)
    best = max(worth, key=lambda number: (worth[number], -number), default=None)
    return best if best is not None and is_ahead(worth[best], max(pupils)) else None


def is_ahead(teacher: float, pupil: float) -> bool:
    """Say whether a teacher's accuracy is so much better that learning from it helps."""
    return teacher >= pupil + LEAST_LEAD

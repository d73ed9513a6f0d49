"""Which finished trial a new network begins with. Pure.

Where a search begins with published weights, every network does: one that has learned a few hundred pictures by heart
knows little but the difference of their classes, and what is cut out of it was ten points worse than what is cut out of
the published one. Where a search begins with nothing, a finished trial is better than nothing (benchmarks/RESULTS.md,
search, Parents).
"""

from __future__ import annotations

from collections.abc import Sequence

from models.alignment import why_not_inherited
from models.architecture import Architecture
from search.spec import SearchSpec
from search.trial import TrialRecord


def parent_of(spec: SearchSpec, history: Sequence[TrialRecord], architecture: Architecture) -> int | None:
    """Return the number of the trial that a network begins with: the best of its family that is at least as large.

    Args:
        spec: what is asked.
        history: every trial so far.
        architecture: of the network.

    Returns:
        None where it begins as the search itself does.
    """
    if spec.backbone or not spec.from_trials or why_not_inherited(architecture):
        return None
    able = [record for record in history if _may_hand_on(spec, record, architecture)]
    best = max(able, key=lambda record: (record.validation_accuracy or 0.0, -record.number), default=None)
    return None if best is None else best.number


def _may_hand_on(spec: SearchSpec, record: TrialRecord, heir: Architecture) -> bool:
    trained = record.finished_well and not record.stopped
    own = record.architecture
    if not trained or own.family != heir.family or why_not_inherited(own):
        return False
    return own.parameters(spec.classes) >= heir.parameters(spec.classes)

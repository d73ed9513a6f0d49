"""What the minutes of a search leave for one more training, and for the last one. Pure.

A search with minutes ends about then, whatever it tries: a trial begins only if its training, by estimate and by the
pace of the trials before it, ends in time, and a part of the minutes is kept for the longer training of what is chosen,
where that part is long enough. Only the files and the look at the test pictures come after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from search.cost import training_seconds
from search.schedule import longer_share
from search.space import limits_of
from search.spec import SearchSpec
from search.trial import TrialRecord

LAST_SHARE = 0.25
"""Of the minutes, for the longer training of the chosen network (`search.finishing`)."""
START_SECONDS = 20.0
"""Of a trial, beside its epochs: start-up, tracing, int8 (shared/design/STACK.md: 8 to 30 s)."""
_LEAST_PACE = 0.1
"""Whatever the clock said of a training that was half done before: estimates are not ten times too long."""
_STEPS_AN_OCTAVE = 2
"""Room is rounded down to so many values between one and its double: a proposal remembers networks for equal rooms."""


def last_seconds(spec: SearchSpec) -> float | None:
    """Return the most that the longer training of the chosen network may take; None for any time."""
    return None if spec.minutes is None else 60 * spec.minutes * _last_share(spec)


def in_the_time_left(spec: SearchSpec, history: Sequence[TrialRecord], passed_s: float) -> SearchSpec | None:
    """Return what is asked, with trainings as short as the time that is left allows; None if there is none left.

    A search's first trial always begins.

    Args:
        spec: what is asked.
        history: every trial so far.
        passed_s: since the search began.
    """
    if spec.minutes is None:
        return spec
    left_s = 60 * spec.minutes - _kept_for_the_last(spec, history) - passed_s - START_SECONDS
    room_s, shortest_s = left_s / pace_of(spec, history), limits_of(spec).shortest_training_seconds
    if room_s < shortest_s and history:
        return None
    minutes = _rounded_down(max(room_s, shortest_s) / 60)
    return replace(spec, trial_minutes=min(minutes, spec.room_minutes))


def pace_of(spec: SearchSpec, history: Sequence[TrialRecord]) -> float:
    """Return what trainings take of their estimates here: the median of those that came to their end, 1 before."""
    told = [
        max(0.0, record.seconds - START_SECONDS) / training_seconds(spec, record.architecture)
        for record in history
        if record.finished_well and not record.stopped and record.seconds is not None
    ]
    return max(_LEAST_PACE, median(told)) if told else 1.0


def _kept_for_the_last(spec: SearchSpec, history: Sequence[TrialRecord]) -> float:
    """Return the seconds that are kept for the last training: none where that of the best so far would not fit in."""
    kept_s = last_seconds(spec) or 0.0
    ended = [record for record in history if record.finished_well and record.seconds is not None]
    best = max(ended, key=lambda record: record.validation_accuracy or 0.0, default=None)
    if best is None or best.stopped:
        return kept_s
    fits = 2 * (best.seconds or 0.0) <= kept_s
    return kept_s if fits and (best.parent is not None or _trains_longer(spec)) else 0.0


def _last_share(spec: SearchSpec) -> float:
    begins_with_trials = spec.from_trials and not spec.backbone  # they are trained half as long, the chosen one is not
    return LAST_SHARE if begins_with_trials or _trains_longer(spec) else 0.0


def _trains_longer(spec: SearchSpec) -> bool:
    """Say whether networks that begin as the search does are trained for longer when they are chosen."""
    return longer_share(spec.training_pictures, knows=bool(spec.backbone)) > 0


def _rounded_down(minutes: float) -> float:
    return float(2 ** (math.floor(math.log2(minutes) * _STEPS_AN_OCTAVE) / _STEPS_AN_OCTAVE))

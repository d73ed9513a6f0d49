"""What the minutes of a search leave for one more training, and for the last one. Pure.

A search with minutes ends about then, whatever it tries: a trial begins only if its training, by estimate and by the
pace of the trials before it, ends in time, and a third of the minutes is kept for the longer training of what is
chosen, up to a half where that takes longer. Only the files and the look at the test pictures come after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from search.choice import best_of, front_of
from search.cost import is_published
from search.distillation import as_last, foretold_seconds
from search.problem import Goal
from search.rungs import RUNG
from search.schedule import LEAST_IN_TIME, LONGER, longer_share
from search.space import limits_of
from search.spec import SearchSpec
from search.trial import TrialRecord

LAST_SHARE, MOST_LAST_SHARE = 1 / 3, 1 / 2
"""Of the minutes, for the longer training of what is chosen (`search.finishing`): as a rule, and where it takes longer.
Source: benchmarks/RESULTS.md, search, Quarters."""
_FASTER, _FASTER_TAUGHT = 1.25, 1.6
"""How much faster a network learns with two threads or more: a whole one was 1.27 times as fast, what was cut out and
has a teacher 1.68. Source: benchmarks/RESULTS.md, search, What a step takes."""
START_SECONDS = 20.0
"""Of a trial, beside its epochs: start-up, tracing, int8 (shared/design/STACK.md: 8 to 30 s)."""
_LEAST_PACE = 0.1
"""Whatever the clock said of a training that was half done before: estimates are not ten times too long."""
_LATE = 0.1
"""Share of the minutes by which a search may end late, so that a trial which took longer than foretold does not cost it
the longer training."""
_STEPS_AN_OCTAVE = 2
"""Room is rounded down to so many values between one and its double: a proposal remembers networks for equal rooms."""


def last_seconds(spec: SearchSpec, passed_s: float) -> float | None:
    """Return the most that the longer training of what is chosen may take; None for any time.

    It has what trials left of the minutes. Where they have used what was kept for it, because the best did not fit in
    for a while, the search may end a little late.

    Args:
        spec: what was asked.
        passed_s: from the search's beginning to the end of its trials.
    """
    if spec.minutes is None:
        return None
    if not _has_last(spec):
        return 0.0
    asked_s = 60 * spec.minutes
    late_s = min(_usual_seconds(spec), (1 + _LATE) * asked_s - passed_s)
    return max(0.0, late_s, asked_s - passed_s)


def last_shares(spec: SearchSpec, chosen: Sequence[TrialRecord], at_once: int, passed_s: float) -> list[float | None]:
    """Return the most seconds that the longer training of each chosen network may take; None for any time.

    Who comes first gets all that its training can use, who would get too little gets nothing: of two half portions
    neither network has anything. Those that need more than the usual share come after the others, whole ones last,
    as time is kept. Where the only one that is wanted would get too little, trials have used the time.

    Args:
        spec: what was asked.
        chosen: trials, those first that matter most.
        at_once: trainings at the same time.
        passed_s: from the search's beginning to the end of its trials.
    """
    seconds = last_seconds(spec, passed_s)
    if seconds is None:
        return [None] * len(chosen)
    if spec.objective == Goal.TARGET and chosen and not _fits(chosen[0], seconds):
        return [0.0] * len(chosen)
    left_s, shares = [seconds] * at_once, list[float | None]([0.0] * len(chosen))
    for position in sorted(range(len(chosen)), key=lambda each: _turn(spec, chosen[each])):
        emptiest = left_s.index(max(left_s))
        fits = _fits(chosen[position], left_s[emptiest])
        share_s = min(left_s[emptiest], LONGER * _whole_seconds(chosen[position])) if fits else 0.0
        left_s[emptiest] -= share_s
        shares[position] = share_s
    return shares


def speed_up(spec: SearchSpec, record: TrialRecord, threads: int) -> float:
    """Return how many times as fast a network learns with so many threads as in its trial, which has one."""
    if threads == 1:
        return 1.0
    whole = is_published(record.architecture, spec.backbone)
    return _FASTER if whole or record.teacher is None else _FASTER_TAUGHT


def with_threads(spec: SearchSpec, record: TrialRecord, threads: int) -> TrialRecord:
    """Return a trial with the seconds that it would have taken with so many threads."""
    return replace(record, seconds=(record.seconds or 0.0) / speed_up(spec, record, threads))


def in_the_time_left(
    spec: SearchSpec, history: Sequence[TrialRecord], passed_s: float, threads: int = 1
) -> SearchSpec | None:
    """Return what is asked, with trainings as short as the time that is left allows; None if there is none left.

    A search's first trial always begins.

    Args:
        spec: what is asked.
        history: every trial so far.
        passed_s: since the search began.
        threads: of the longer training, where only one network has one.
    """
    if spec.minutes is None:
        return spec
    left_s = 60 * spec.minutes - _kept_for_the_last(spec, history, threads) - passed_s - START_SECONDS
    room_s, shortest_s = left_s / pace_of(spec, history), limits_of(spec).shortest_training_seconds
    if room_s < shortest_s and history:
        return None
    minutes = _rounded_down(max(room_s, shortest_s) / 60)
    return replace(spec, trial_minutes=min(minutes, spec.room_minutes))


def pace_of(spec: SearchSpec, history: Sequence[TrialRecord]) -> float:
    """Return what trainings take of their estimates here: the median of those that came to their end, 1 before."""
    told = [
        max(0.0, record.seconds - START_SECONDS) / foretold_seconds(spec, history, record)
        for record in history
        if record.finished_well and not record.stopped and record.seconds is not None
    ]
    return max(_LEAST_PACE, median(told)) if told else 1.0


def _kept_for_the_last(spec: SearchSpec, history: Sequence[TrialRecord], threads: int) -> float:
    """Return the seconds that are kept for the longer training: none where that of the best so far would not fit in,
    nor, where a front is looked for, that of any along it that was cut out: those gain most (benchmarks/RESULTS.md,
    search, Quarters), so they may have more than usual, while a whole network would keep what nothing was cut out for
    yet.
    """
    if not _has_last(spec):
        return 0.0
    usual_s, most_s = _usual_seconds(spec), MOST_LAST_SHARE * 60 * (spec.minutes or 0.0)
    timed = [record for record in history if record.seconds is not None]
    best = best_of(spec, timed)
    if best is None or best.stopped:
        return usual_s
    along_front = front_of(spec, timed) if spec.objective == Goal.FRONT else []
    cut = [each for each in along_front if not is_published(each.architecture, spec.backbone)]
    rooms = [(best, usual_s if along_front else most_s), *((each, most_s) for each in cut)]
    kept_s = [
        min(room_s, max(usual_s, LONGER * _whole_seconds(last)))
        for each, room_s in rooms
        for last in [with_threads(spec, as_last(spec, history, each), threads)]
        if _fits(last, room_s) and (each.parent is not None or _trains_longer(spec))
    ]
    return max(kept_s, default=0.0)


def _turn(spec: SearchSpec, record: TrialRecord) -> int:
    """Return who comes before whom: 0 for any that needs the usual share, 1 for what was cut out, 2 for whole ones."""
    if _fits(record, _usual_seconds(spec)):
        return 0
    return 2 if is_published(record.architecture, spec.backbone) else 1


def _usual_seconds(spec: SearchSpec) -> float:
    return LAST_SHARE * 60 * (spec.minutes or 0.0)


def _fits(record: TrialRecord, seconds: float) -> bool:
    """Say whether there is time for a longer training that is worth it."""
    return LEAST_IN_TIME * _whole_seconds(record) <= seconds


def _whole_seconds(record: TrialRecord) -> float:
    """Return what a trial takes, or would have taken if it had not been stopped at the rung."""
    return (record.seconds or 0.0) / (RUNG if record.stopped else 1.0)


def _has_last(spec: SearchSpec) -> bool:
    """Say whether what is chosen is trained for longer than its trial was."""
    begins_with_trials = spec.from_trials and not spec.backbone  # they are trained half as long, the chosen one is not
    return begins_with_trials or _trains_longer(spec)


def _trains_longer(spec: SearchSpec) -> bool:
    """Say whether networks that begin as the search does are trained for longer when they are chosen."""
    return longer_share(spec.training_pictures, knows=bool(spec.backbone)) > 0


def _rounded_down(minutes: float) -> float:
    return float(2 ** (math.floor(math.log2(minutes) * _STEPS_AN_OCTAVE) / _STEPS_AN_OCTAVE))

"""Which of the chosen networks are trained for longer, with how much of the machine and of the time. Pure.

Several at a time have one thread each; one alone has them all, and may fit in where it would not beside others. Which
of these ways is taken depends on what it promises for the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

from search.cost import is_published
from search.minutes import last_shares, speed_up, with_threads
from search.spec import SearchSpec
from search.trial import TrialRecord

_CUT_GAINS = 2.0
"""Times what a whole network gains by a longer training: what was cut out of it. Source: benchmarks/RESULTS.md, search,
Quarters: four to seven points, and two to three."""


@dataclass(frozen=True, slots=True)
class Share:
    """What the last training of one network gets of the machine and of the time."""

    threads: int
    seconds: float | None
    """At the pace of its trial, which had one thread; None for any time."""


def shares_of(spec: SearchSpec, records: Sequence[TrialRecord], processes: int, passed_s: float) -> list[Share]:
    """Return what the last training of each network gets: several get one thread each, or one gets them all.

    Args:
        spec: what is asked.
        records: the networks whose files are made, those first that matter most.
        processes: networks at the same time, one thread each.
        passed_s: the search has taken.
    """
    at_once = min(processes, len(records))
    together = last_shares(spec, records, at_once, passed_s)
    alone = [_alone(spec, records, place, processes, passed_s) for place in range(len(records))]
    ways = alone if sum(share_s != 0 for share_s in together) < 2 else [together, *alone]
    seconds = max(ways, key=lambda way: _worth(spec, records, way))
    trained = min(at_once, max(1, sum(share_s != 0 for share_s in seconds)))
    threads = [processes // (trained if share_s != 0 else at_once) for share_s in seconds]
    return [
        Share(each, None if share_s is None else share_s * speed_up(spec, record, each))
        for each, record, share_s in zip(threads, records, seconds, strict=True)
    ]


def _alone(
    spec: SearchSpec, records: Sequence[TrialRecord], place: int, threads: int, passed_s: float
) -> list[float | None]:
    """Return the seconds of all networks where only one of them is trained for longer, with all threads."""
    only = last_shares(spec, [with_threads(spec, records[place], threads)], 1, passed_s)[0]
    return [only if each == place else 0.0 for each in range(len(records))]


def _worth(spec: SearchSpec, records: Sequence[TrialRecord], seconds: Sequence[float | None]) -> float:
    """Return what longer trainings are worth: for each network that has time for one, over how many octaves of latency
    it is the best that was chosen, times what its kind gains. The slowest comes last, as where time is kept: the others
    are a front's own.
    """
    chosen = sorted(zip(records, seconds, strict=True), key=lambda each: each[0].latency_ms or 0.0)
    return sum(
        _octaves(record, slower) * (1.0 if is_published(record.architecture, spec.backbone) else _CUT_GAINS)
        for (record, share_s), (slower, _) in pairwise(chosen)
        if share_s != 0
    )


def _octaves(record: TrialRecord, slower: TrialRecord) -> float:
    """Return the octaves of latency between two networks; 0 where one is not known."""
    return log2(slower.latency_ms / record.latency_ms) if record.latency_ms and slower.latency_ms else 0.0

"""The life of a run and of its trials. Nothing else writes `Run.status` or `Trial.status`.

run:    queued ──► searching ──► quantizing ──► compiling ──► validating ──► measuring ──► done
                                     │              ▲             ▲   │                     ▲
                                     └──────────────┴─────────────┘   └─────────────────────┘
        Without a compiler, compiling is left out; without an Edge TPU, measuring is.
        done ──► searching when trials are added; searching ──► done if they found nothing better
        done ──► quantizing when files are to be made of another of its networks
        From every state before done: ──► failed, ──► cancelled

trial:  waiting ──► running ──► done
           │           ├──────► failed
           │           ├──────► skipped      (the space holds nothing new within the limits)
           └───────────┴──────► cancelled
        waiting ──► skipped
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from marketplace.moves import move_row
from marketplace.runs.models import Run, Trial

R, T = Run.Status, Trial.Status
ENDINGS = frozenset({R.FAILED, R.CANCELLED})

NEXT: dict[str, frozenset[str]] = {
    R.QUEUED: frozenset({R.SEARCHING}) | ENDINGS,
    R.SEARCHING: frozenset({R.QUANTIZING, R.DONE}) | ENDINGS,
    R.QUANTIZING: frozenset({R.COMPILING, R.VALIDATING}) | ENDINGS,
    R.COMPILING: frozenset({R.VALIDATING}) | ENDINGS,
    R.VALIDATING: frozenset({R.MEASURING, R.DONE}) | ENDINGS,
    R.MEASURING: frozenset({R.DONE}) | ENDINGS,
    R.DONE: frozenset({R.SEARCHING, R.QUANTIZING}),
    R.FAILED: frozenset(),
    R.CANCELLED: frozenset(),
}
TRIAL_NEXT: dict[str, frozenset[str]] = {
    T.WAITING: frozenset({T.RUNNING, T.SKIPPED, T.CANCELLED}),
    T.RUNNING: frozenset({T.DONE, T.FAILED, T.SKIPPED, T.CANCELLED}),
    T.DONE: frozenset(),
    T.FAILED: frozenset(),
    T.SKIPPED: frozenset(),
    T.CANCELLED: frozenset(),
}
LIVE_RUNS = tuple(status for status in NEXT if status not in ENDINGS | {R.DONE})
LIVE_TRIALS = tuple(status for status, after in TRIAL_NEXT.items() if after)


def move(run: Run, to: str, **changes: Any) -> bool:
    """Move `run` to `to`; return False if another process moved it first.

    Raises:
        WrongState: if no arrow leads from the run's status to `to`.
    """
    if to not in LIVE_RUNS:
        changes["ended_at"] = timezone.now()
    return move_row(run, to, NEXT, changes)


def move_trial(trial: Trial, to: str, **changes: Any) -> bool:
    """Move `trial` to `to`; return False if another process moved it first.

    Raises:
        WrongState: if no arrow leads from the trial's status to `to`.
    """
    if to not in LIVE_TRIALS:
        changes["ended_at"] = timezone.now()
    return move_row(trial, to, TRIAL_NEXT, changes)

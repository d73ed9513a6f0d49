"""The trials of a run in the order of what they are worth. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.utils.text import capfirst

from marketplace.runs import words
from marketplace.runs.chart import Point
from marketplace.runs.models import Trial
from marketplace.runs.progress import Live, trial_sentence

T = Trial.Status
AFTER_RANKED = (T.RUNNING, T.FAILED, T.CANCELLED, T.SKIPPED)
"""What the table shows below the ranked trials, in this order; waiting ones are only counted."""
NOTHING_BROKEN: Mapping[int, str] = MappingProxyType({})
BADGES = {T.DONE: "ok", T.RUNNING: "busy", T.FAILED: "bad"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    trial: Trial
    rank: int | None
    best: bool
    architecture: str
    note: str
    """What is happening, or why there are no figures."""
    badge: str
    broken: str = ""
    """Which limit the network turned out to break, as a sentence."""

    @property
    def estimate(self) -> dict[str, Any]:
        """What was estimated of the architecture, empty before it is chosen."""
        return dict(self.trial.estimate or {})

    @property
    def stopped(self) -> bool:
        """Whether its training ended at the rung (`search.rungs`), because others promised more."""
        return len(self.trial.metrics.get("rung_accuracies", ())) == 1


def rows_of(
    trials: Sequence[Trial], live: Live, best_id: int | None, broken: Mapping[int, str] = NOTHING_BROKEN
) -> list[Row]:
    """Return the lines: the most accurate int8 network first; equal ones by float accuracy, then by speed.

    Args:
        trials: of one run.
        live: what running steps report.
        best_id: of the network that was chosen; None while none was.
        broken: which limits networks turned out to break, by their number; they stand behind those that hold.
    """
    done = [trial for trial in trials if trial.status == T.DONE]
    ranked = sorted(done, key=lambda trial: (trial.number not in broken, trial.worth), reverse=True)
    rest = [trial for status in AFTER_RANKED for trial in trials if trial.status == status]
    winner = best_id if best_id is not None else ranked[0].pk if ranked else None
    rows = [_row(trial, rank, winner, live, broken.get(trial.number, "")) for rank, trial in enumerate(ranked, 1)]
    return rows + [_row(trial, None, winner, live) for trial in rest]


def best_row(rows: Sequence[Row]) -> Row | None:
    """Return the best network so far, if any has ended."""
    return next((row for row in rows if row.trial.status == T.DONE), None)


def choosable(rows: Sequence[Row]) -> list[Row]:
    """Return the networks that files could be made of instead of those of the one that was chosen."""
    return [row for row in rows if row.trial.status == T.DONE and row.rank is not None and not row.best]


def reasons(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """Return the numbers of the trials that run now, each with why it is tried."""
    running = (row.trial for row in rows if row.trial.status == T.RUNNING)
    return [(trial.number, text) for trial in running if (text := words.reason(trial.proposal))]


def waiting_count(trials: Sequence[Trial]) -> int:
    """Return how many trials have not begun."""
    return sum(trial.status == T.WAITING for trial in trials)


def points_of(rows: Sequence[Row]) -> list[Point]:
    """Return the rows that the chart can show: those with an accuracy and an estimated latency."""
    points = []
    for row in rows:
        ms, accuracy = words.as_number(row.estimate.get("latency_ms")), row.trial.validation_accuracy
        if row.trial.status != T.DONE or ms is None or accuracy is None:
            continue
        low = words.as_number(row.estimate.get("low_ms"))
        high = words.as_number(row.estimate.get("high_ms"))
        bounds = (ms if low is None else low, ms if high is None else high)
        points.append(Point(row.trial.number, ms, *bounds, accuracy=accuracy, best=row.best))
    return points


def _row(trial: Trial, rank: int | None, winner: int | None, live: Live, broken: str = "") -> Row:
    note = trial.error
    if trial.status == T.RUNNING:
        note = capfirst(trial_sentence(trial, live.get(trial.pk, {})).split(": ", 1)[-1])
    return Row(
        trial=trial,
        rank=rank,
        best=trial.pk == winner,
        architecture=words.architecture(trial.architecture or {}),
        note=note,
        badge=BADGES.get(T(trial.status), ""),
        broken=broken,
    )

"""A finished search in plain words: what was tried, what came out, what mattered, what held it back. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace.runs.choices import importances, tried_in
from marketplace.runs.models import Run, Trial
from marketplace.runs.words import as_number, milliseconds, percent

T = Trial.Status
NEAR_LIMIT, FAR_FROM_LIMIT = 0.9, 0.6
"""Shares of the latency limit from which on it seems to hold accuracy back, and up to which it does not."""
MATTERS = 0.1
"""Share of the differences in accuracy from which on a choice is worth a word."""


def summary_of(run: Run, trials: Sequence[Trial]) -> list[str]:
    """Return the sentences; nothing where no trial ended well."""
    done = [trial for trial in trials if trial.status == T.DONE and trial.validation_accuracy is not None]
    if not done:
        return []
    most = max(done, key=lambda trial: trial.worth)
    best = run.best_trial or most
    return [
        text
        for text in (_amount(trials, done), _outcome(best, most), _course(done), _cause(trials), _room(run, best))
        if text
    ]


def _amount(trials: Sequence[Trial], done: Sequence[Trial]) -> str:
    failed = sum(trial.status == T.FAILED for trial in trials)
    networks = "1 network was" if len(done) == 1 else f"{len(done)} networks were"
    return f"{networks} trained and judged" + (f", {failed} more failed." if failed else ".")


def _outcome(best: Trial, most: Trial) -> str:
    latency, measured = milliseconds(best.estimate.get("latency_ms")), milliseconds(best.measured_ms)
    told = f" and takes {latency} by estimate" if latency else ""
    told += f", {measured} as measured" if measured else ""
    accuracy = percent(best.validation_accuracy)
    which = "best" if best.number == most.number else "network that was chosen"
    return f"The {which}, trial {best.number}, is right on {accuracy} of the validation pictures{told}."


def _course(done: Sequence[Trial]) -> str:
    """Say when the last improvement came, late ones speak for more trials; or that there is nothing left to improve."""
    if any(trial.validation_accuracy == 1 for trial in done):
        return "No validation picture is wrong, so only more pictures could tell a better network from it."
    last, record, after = done[0], 0.0, 0
    for trial in sorted(done, key=lambda one: one.number):
        accuracy = trial.validation_accuracy or 0.0
        last, record, after = (trial, accuracy, 0) if accuracy > record else (last, record, after + 1)
    if len(done) < 3:
        return ""
    if after == 0:
        return "The last trial was still the best, so more trials may find better ones."
    return f"After trial {last.number}, {after} more brought nothing better."


def _cause(trials: Sequence[Trial]) -> str:
    found = next(iter(importances(tried_in(trials))), None)
    if found is None or found.share < MATTERS:
        return ""
    return f"What mattered most was {found.title}: on average {found.best_value} did best."


def _room(run: Run, best: Trial) -> str:
    used_ms = as_number(best.estimate.get("latency_ms"))
    if used_ms is None:
        return ""
    used = used_ms / run.latency_limit_ms
    if used >= NEAR_LIMIT:
        return "It uses nearly all of the time you allow: with a higher limit a more accurate network may be possible."
    if used <= FAR_FROM_LIMIT:
        return f"It uses only {percent(used)} of the time you allow, so the limit did not hold it back."
    return ""

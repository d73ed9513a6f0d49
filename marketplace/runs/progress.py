"""How far a run is: a share, the seconds that are left, and what is happening now in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.runs.models import Run, Trial
from marketplace.runs.words import as_number, duration, percent

R, T = Run.Status, Trial.Status
SEARCH_SHARE = 0.9
"""The search is nearly all of a run's work."""
AFTER_SEARCH_S = 90
"""Quantizing, correcting, judging and validating take about this long; compiling and measuring are not counted.

Source: timelines of runs on 2 cores. Small networks from scratch took 21 to 51 s; a whole MobileNet v2 with published
weights at 88 px took 132 s while both cores were busy with something else.
"""
VALIDATING_S = 25
"""The part of it that follows the compiler (the same runs: 2 to 39 s)."""
SHARES = {R.QUANTIZING: 0.91, R.COMPILING: 0.94, R.VALIDATING: 0.96, R.MEASURING: 0.98, R.DONE: 1.0}
ROUND_S = 5
"""The time that is left is told in steps, so that pages that show the same do not change all the time."""
NO_WORKER = "No worker is running, so nothing goes on. Whoever runs this site starts one (README, “Workers”)."
WAITING = "Waiting for a free worker."
PROVING = "All trials have ended; the last networks are being compiled and measured on an Edge TPU."

OWN_STEP = 0
Live = Mapping[int, Mapping[str, Any]]
"""What steps report while a worker holds them: by the id of the trial; the run's own step under OWN_STEP."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is."""

    share: float
    eta_s: int | None
    """Expected seconds to the end; None while nothing was timed, and after the end."""
    now: str


def standing_of(
    run: Run, trials: Sequence[Trial], live: Live, now: datetime, *, a_worker_is_there: bool = True
) -> Standing:
    """Return how far a run is.

    Args:
        run: the run.
        trials: all its trials.
        live: what is reported by the steps that are held now.
        now: the present.
        a_worker_is_there: whether any was heard of lately.
    """
    sentence = _sentence(run, trials, live)
    if not run.ended and not live and not a_worker_is_there:
        sentence = NO_WORKER
    return Standing(_share(run, trials, live, now), _eta_s(run, trials, live, now), sentence)


def _share(run: Run, trials: Sequence[Trial], live: Live, now: datetime) -> float:
    if run.status in SHARES:
        return SHARES[R(run.status)]
    ended = [trial for trial in trials if trial.status not in (T.WAITING, T.RUNNING)]
    if not trials:
        return 0.0
    parts = sum(trial_share(live.get(trial.pk, {})) for trial in trials if trial.status == T.RUNNING)
    of_trials = (len(ended) + parts) / len(trials)
    return round(SEARCH_SHARE * max(of_trials, _share_of_minutes(run, now)), 3)


def _share_of_minutes(run: Run, now: datetime) -> float:
    """Return how much of the time that a search may take is over; 0 where it may take any."""
    if run.minutes is None or run.started_at is None or run.status != R.SEARCHING:
        return 0.0
    return min(1.0, (now - run.started_at).total_seconds() / (60 * run.minutes))


def trial_share(live: Mapping[str, Any]) -> float:
    """Return how much of a running trial is done, by its epochs."""
    epoch, epochs = as_number(live.get("epoch")), as_number(live.get("epochs"))
    return min(epoch / epochs, 1.0) if epoch and epochs else 0.0


def _eta_s(run: Run, trials: Sequence[Trial], live: Live, now: datetime) -> int | None:
    if run.ended:
        return None
    if run.status not in (R.QUEUED, R.SEARCHING):
        return _after_search_s(live) if run.status == R.QUANTIZING else VALIDATING_S
    running = [trial for trial in trials if trial.status == T.RUNNING]
    waiting = sum(trial.status == T.WAITING for trial in trials)
    each_s = _mean_s(trials, running, live, now)
    if each_s is None:
        return None
    left_s = sum(_left_s(trial, live.get(trial.pk, {}), each_s, now) for trial in running)
    total_s = (left_s + waiting * each_s) / max(1, len(running)) + _longer_s(trials) + AFTER_SEARCH_S
    if run.minutes is not None:  # they hold the longer training, too; what was begun in them still ends
        total_s = min(total_s, max(left_s, 60 * run.minutes * (1 - _share_of_minutes(run, now))) + AFTER_SEARCH_S)
    return max(ROUND_S, round(total_s / ROUND_S) * ROUND_S)


def _after_search_s(live: Live) -> int:
    """Return the seconds from now to the files, while the chosen network still learns or is being converted."""
    told = as_number(live.get(OWN_STEP, {}).get("eta_s")) or 0.0
    return max(ROUND_S, round((told + AFTER_SEARCH_S) / ROUND_S) * ROUND_S)


def _longer_s(trials: Sequence[Trial]) -> float:
    """Return what the longer training of the chosen network will take, as trials that ran to their end tell."""
    to_the_end = [each for each in trials if len(each.metrics.get("rung_accuracies") or ()) != 1]
    told = [seconds for each in to_the_end if (seconds := _longer_s_of(each)) is not None]
    return sum(told) / len(told) if told else 0.0


def _longer_s_of(trial: Trial) -> float | None:
    longer, epochs = (as_number(trial.metrics.get(name)) for name in ("longer_epochs", "epochs"))
    return None if longer is None or not epochs or trial.seconds is None else trial.seconds * longer / epochs


def _mean_s(trials: Sequence[Trial], running: Sequence[Trial], live: Live, now: datetime) -> float | None:
    """Return what a trial takes: the mean of those that ended, else what the first ones expect of themselves."""
    taken = [trial.seconds for trial in trials if trial.seconds is not None and trial.status == T.DONE]
    if not taken:
        expected = [(trial, as_number(live.get(trial.pk, {}).get("eta_s"))) for trial in running]
        taken = [_elapsed_s(trial, now) + left_s for trial, left_s in expected if left_s is not None]
    return sum(taken) / len(taken) if taken else None


def _left_s(trial: Trial, live: Mapping[str, Any], each_s: float, now: datetime) -> float:
    told = as_number(live.get("eta_s"))
    return told if told is not None else max(0.0, each_s - _elapsed_s(trial, now))


def _elapsed_s(trial: Trial, now: datetime) -> float:
    return (now - trial.started_at).total_seconds() if trial.started_at else 0.0


def _sentence(run: Run, trials: Sequence[Trial], live: Live) -> str:
    if run.status == R.SEARCHING:
        return _searching(run, trials, live)
    if run.status == R.QUANTIZING and live.get(OWN_STEP, {}).get("epochs"):
        return trial_sentence(run.best_trial, live[OWN_STEP]) if run.best_trial else ""
    number = run.best_trial.number if run.best_trial else None
    sentences = {
        R.QUEUED: WAITING,
        R.QUANTIZING: f"Turning the best network, trial {number}, into int8 files.",
        R.COMPILING: "Compiling for the Edge TPU.",
        R.VALIDATING: "Comparing float and int8 on the pictures that no trial has seen.",
        R.MEASURING: "Measuring the latency on an Edge TPU.",
        R.DONE: f"Done in {duration(_run_s(run))}." if _run_s(run) else "Done.",
        R.FAILED: run.failure or "This run failed.",
        R.CANCELLED: "Cancelled. What had ended before is shown below.",
    }
    return sentences[R(run.status)]


def _searching(run: Run, trials: Sequence[Trial], live: Live) -> str:
    running = [trial for trial in trials if trial.status == T.RUNNING]
    parts = [trial_sentence(trial, live.get(trial.pk, {})) for trial in running]
    if run.stop_requested:
        parts.append("No further trial starts; the best so far is kept.")
    elif not parts:
        waiting = any(trial.status == T.WAITING for trial in trials)
        parts.append(WAITING if waiting else PROVING)
    return " ".join(parts)


def trial_sentence(trial: Trial, live: Mapping[str, Any]) -> str:
    """Return "Trial 3: training, epoch 5 of 12, 91.2 % so far."."""
    if not live.get("phase"):
        return f"Trial {trial.number} is starting."
    words = f"Trial {trial.number}: {str(live['phase']).lower()}"
    if live.get("epochs") and trial_share(live) < 1:
        words += f", epoch {min(int(live.get('epoch') or 0) + 1, int(live['epochs']))} of {live['epochs']}"
    accuracy = percent(live.get("validation_accuracy"))
    return f"{words}, {accuracy} so far (float)." if accuracy else f"{words}."


def _run_s(run: Run) -> float | None:
    if run.ended_at is None:
        return None
    return (run.ended_at - (run.started_at or run.created_at)).total_seconds()

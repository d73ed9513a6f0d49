from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.runs.leaderboard import points_of, rows_of, waiting_count
from marketplace.runs.models import Run, Trial
from marketplace.runs.progress import AFTER_SEARCH_S, NO_WORKER, VALIDATING_S, WAITING, Standing, standing_of
from marketplace.runs.rail import stations_of

R, T = Run.Status, Trial.Status
NOW = timezone.now()


def run_in(status: str, **fields: Any) -> Run:
    return Run(pk=7, status=status, trials_wanted=4, latency_limit_ms=3, device="devboard", **fields)


def trial(number: int, status: str, **fields: Any) -> Trial:
    return Trial(pk=number, number=number, status=status, **fields)


def standing(run: Run, trials: list[Trial], live: dict[int, Any] | None = None, worker: bool = True) -> Standing:
    return standing_of(run, trials, live or {}, NOW, a_worker_is_there=worker)


def test_a_queued_run_waits_for_a_worker() -> None:
    found = standing(run_in(R.QUEUED), [trial(1, T.WAITING)])
    assert (found.share, found.eta_s, found.now) == (0.0, None, WAITING)


def test_a_run_without_any_worker_says_so() -> None:
    assert standing(run_in(R.QUEUED), [trial(1, T.WAITING)], worker=False).now == NO_WORKER
    assert standing(run_in(R.SEARCHING), [trial(1, T.WAITING)], worker=False).now == NO_WORKER


def test_the_search_counts_ended_trials_and_the_epochs_of_running_ones() -> None:
    trials = [trial(1, T.DONE, seconds=40.0), trial(2, T.RUNNING), trial(3, T.WAITING), trial(4, T.FAILED)]
    found = standing(run_in(R.SEARCHING), trials, {2: {"phase": "Training", "epoch": 5, "epochs": 10}})
    assert found.share == round(0.9 * 2.5 / 4, 3)


def test_the_time_left_follows_from_trials_that_ended() -> None:
    started = NOW - timedelta(seconds=10)
    trials = [trial(1, T.DONE, seconds=40.0), trial(2, T.RUNNING, started_at=started), trial(3, T.WAITING)]
    found = standing(run_in(R.SEARCHING), trials)
    assert found.eta_s == 30 + 40 + AFTER_SEARCH_S


def test_the_longer_training_of_the_chosen_network_is_part_of_the_time_left() -> None:
    started, metrics = NOW - timedelta(seconds=10), {"epochs": 5, "longer_epochs": 15}
    trials = [trial(1, T.DONE, seconds=40.0, metrics=metrics), trial(2, T.RUNNING, started_at=started)]
    assert standing(run_in(R.SEARCHING), trials).eta_s == 30 + 3 * 40 + AFTER_SEARCH_S
    stopped = trial(3, T.DONE, seconds=40.0, metrics={"epochs": 1, "longer_epochs": 15, "rung_accuracies": [0.5]})
    assert standing(run_in(R.SEARCHING), [*trials, stopped]).eta_s == 30 + 3 * 40 + AFTER_SEARCH_S
    run = run_in(R.QUANTIZING, best_trial=trials[0])
    learning = {0: {"phase": "Training the chosen network for longer", "epoch": 4, "epochs": 15, "eta_s": 60.0}}
    found = standing(run, trials, learning)
    assert found.now == "Trial 1: training the chosen network for longer, epoch 5 of 15."
    assert found.eta_s == 60 + AFTER_SEARCH_S
    assert standing(run, trials, {0: {"phase": "Converting to int8"}}).now.startswith("Turning the best network")


def test_two_workers_share_the_time_that_is_left() -> None:
    started = NOW - timedelta(seconds=10)
    running = [trial(number, T.RUNNING, started_at=started) for number in (2, 3)]
    trials = [trial(1, T.DONE, seconds=40.0), *running, trial(4, T.WAITING)]
    assert standing(run_in(R.SEARCHING), trials).eta_s == (30 + 30 + 40) / 2 + AFTER_SEARCH_S


def test_the_first_trial_tells_the_time_left_by_its_own_expectation() -> None:
    trials = [trial(1, T.RUNNING, started_at=NOW - timedelta(seconds=10)), trial(2, T.WAITING)]
    live = {1: {"phase": "Training", "epoch": 1, "epochs": 4, "eta_s": 30.0}}
    assert standing(run_in(R.SEARCHING), trials, live).eta_s == 30 + 40 + AFTER_SEARCH_S


def test_the_time_left_is_unknown_while_nothing_was_timed() -> None:
    assert standing(run_in(R.SEARCHING), [trial(1, T.RUNNING), trial(2, T.WAITING)]).eta_s is None


def test_after_the_search_the_time_left_follows_from_the_step() -> None:
    left = [standing(run_in(status), [trial(1, T.DONE)]).eta_s for status in (R.QUANTIZING, R.VALIDATING, R.DONE)]
    assert left == [AFTER_SEARCH_S, VALIDATING_S, None]


def test_what_is_happening_is_told_in_words() -> None:
    live = {2: {"phase": "Training", "epoch": 4, "epochs": 12, "validation_accuracy": 0.912}}
    found = standing(run_in(R.SEARCHING), [trial(2, T.RUNNING)], live)
    assert found.now == "Trial 2: training, epoch 5 of 12, 91.2 % so far (float)."


def test_a_trial_past_its_epochs_is_not_in_an_epoch() -> None:
    live = {2: {"phase": "Quantizing", "epoch": 12, "epochs": 12}}
    assert standing(run_in(R.SEARCHING), [trial(2, T.RUNNING)], live).now == "Trial 2: quantizing."


def test_a_stopped_run_says_that_no_further_trial_starts() -> None:
    found = standing(run_in(R.SEARCHING, stop_requested=True), [trial(1, T.RUNNING)])
    assert "No further trial starts" in found.now


def test_a_failed_run_tells_why() -> None:
    assert standing(run_in(R.FAILED, failure="The disk is full."), []).now == "The disk is full."


def test_a_done_run_is_whole_and_tells_how_long_it_took() -> None:
    found = standing(run_in(R.DONE, started_at=NOW - timedelta(seconds=192), ended_at=NOW), [])
    assert (found.share, found.eta_s, found.now) == (1.0, None, "Done in 3 min 12 s.")


@pytest.mark.parametrize("status", [R.QUANTIZING, R.COMPILING, R.VALIDATING, R.MEASURING])
def test_after_the_search_the_bar_nears_its_end(status: str) -> None:
    assert 0.9 < standing(run_in(status), []).share < 1


def states(run: Run) -> list[str]:
    return [station.state for station in stations_of(run)]


def test_the_rail_shows_the_present_step_between_done_and_coming_ones() -> None:
    assert states(run_in(R.QUANTIZING)) == ["done", "now", "todo", "todo", "todo", "todo"]
    assert states(run_in(R.QUEUED)) == ["todo"] * 6


def test_the_rail_says_what_was_left_out() -> None:
    run = run_in(R.DONE, compilation={"state": "not_compiled"}, measurement={"state": "not_measured"})
    assert states(run) == ["done", "done", "skipped", "done", "skipped", "done"]


def test_the_rail_shows_where_a_run_failed() -> None:
    assert states(run_in(R.FAILED)) == ["failed", "todo", "todo", "todo", "todo", "todo"]
    late = run_in(R.FAILED, best_trial=trial(1, T.DONE), quantization={"int8": {}}, compilation={"state": "compiled"})
    assert states(late) == ["done", "done", "done", "failed", "todo", "todo"]


def done(number: int, accuracy: float, ms: float) -> Trial:
    estimate = {"latency_ms": ms, "low_ms": ms * 0.9, "high_ms": ms * 1.1}
    return trial(number, T.DONE, validation_accuracy=accuracy, estimate=estimate)


def test_the_leaderboard_ranks_by_accuracy_and_then_by_speed() -> None:
    rows = rows_of([done(1, 0.9, 2.0), done(2, 0.95, 3.0), done(3, 0.95, 2.5)], {}, None)
    assert [(row.rank, row.trial.number, row.best) for row in rows] == [(1, 3, True), (2, 2, False), (3, 1, False)]


def test_trials_without_figures_stand_below_with_their_reason_and_waiting_ones_are_counted() -> None:
    trials = [trial(1, T.FAILED, error="No memory."), done(2, 0.9, 2.0), trial(3, T.RUNNING), trial(4, T.WAITING)]
    rows = rows_of(trials, {3: {"phase": "Training", "epoch": 0, "epochs": 5}}, None)
    assert [(row.trial.number, row.note) for row in rows] == [
        (2, ""),
        (3, "Training, epoch 1 of 5."),
        (1, "No memory."),
    ]
    assert waiting_count(trials) == 1


def test_a_trial_without_an_estimate_is_not_drawn() -> None:
    bare = trial(1, T.DONE, validation_accuracy=0.9)
    assert points_of(rows_of([bare, done(2, 0.8, 1.0)], {}, None))[0].number == 2


def test_the_minutes_of_a_search_bound_the_time_that_is_left() -> None:
    trials = [trial(1, T.DONE, seconds=60.0), *(trial(number, T.WAITING) for number in range(2, 50))]
    run = run_in(R.SEARCHING, minutes=10.0, started_at=NOW - timedelta(minutes=8))
    found = standing(run, trials)
    assert found.eta_s == 2 * 60 + AFTER_SEARCH_S
    assert found.share == round(0.9 * 0.8, 3)

from __future__ import annotations

from dataclasses import replace

import pytest

from search.cost import taught_seconds, training_seconds
from search.minutes import (
    LAST_SHARE,
    MOST_LAST_SHARE,
    START_SECONDS,
    in_the_time_left,
    last_seconds,
    last_shares,
    pace_of,
)
from search.propose import Proposal, next_proposal, propose
from search.rungs import RUNG
from search.schedule import LEAST_IN_TIME, LONGER
from search.space import limits_of
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState
from tests.search import specs
from tests.search.test_distillation import network

MINUTES = 30
TUNED = replace(
    specs.TUNED,
    classes=10,
    image_px=96,
    latency_limit_ms=3,
    trials=500,
    training_pictures=1500,
    minutes=MINUTES,
    trial_minutes=20,
)


def ended(spec: SearchSpec, pace: float) -> TrialRecord:
    """A trial that took so many times as long as it was estimated to."""
    found = next_proposal(spec, [])
    assert isinstance(found, Proposal)
    seconds = START_SECONDS + pace * training_seconds(spec, found.architecture)
    return TrialRecord(1, found.architecture, TrialState.DONE, 0.9, 0.9, seconds=seconds, rung_accuracies=(0.8, 0.9))


def test_a_search_without_minutes_takes_any_time() -> None:
    spec = replace(TUNED, minutes=None)
    assert in_the_time_left(spec, [], 1e6) == spec
    assert last_seconds(spec, 0) is None


def test_trainings_get_shorter_as_time_runs_out_and_then_none_begins() -> None:
    record = ended(TUNED, 1.0)
    assert record.seconds is not None
    longer_s = LONGER * record.seconds
    assert LAST_SHARE * 1800 < longer_s < MOST_LAST_SHARE * 1800
    rooms = []
    for passed_s in (0, 300, 500, 650, 780, 830):
        spec = in_the_time_left(TUNED, [record], passed_s)
        assert spec is not None
        rooms.append(spec.room_minutes)
        assert spec.room_minutes <= min(20, (1800 - longer_s - passed_s) / 60)
    assert rooms == sorted(rooms, reverse=True)
    assert len(set(rooms)) > 3
    assert in_the_time_left(TUNED, [record], 1800 - longer_s) is None
    assert in_the_time_left(TUNED, [record], 1800) is None


def test_a_slow_machine_begins_shorter_trainings() -> None:
    slow = ended(TUNED, 4.0)
    assert pace_of(TUNED, [slow]) == pytest.approx(4.0)
    found = in_the_time_left(TUNED, [slow], 0)
    assert found is not None
    assert found.room_minutes <= MINUTES / 4


def test_nothing_is_kept_for_a_longer_training_that_would_not_fit() -> None:
    short = replace(TUNED, minutes=4)
    slow = replace(ended(short, 1.0), seconds=130.0)
    assert 240 * LAST_SHARE < LEAST_IN_TIME * 130
    found = in_the_time_left(short, [slow], 180)
    assert found is not None, "there are 40 seconds more than a kept third would leave"
    quick = replace(slow, seconds=25.0)
    assert in_the_time_left(short, [quick], 180) is None
    assert in_the_time_left(short, [slow, replace(quick, float_accuracy=0.95)], 180) is None, "the best of equals fits"


def test_what_matters_most_is_trained_for_longer_first() -> None:
    best, second, small = (replace(ended(TUNED, 1.0), seconds=seconds) for seconds in (150.0, 190.0, 40.0))
    assert last_seconds(TUNED, 900) == 900
    assert last_shares(TUNED, [best, second, small], 2, 900) == [450, 570, 120]
    assert last_shares(TUNED, [best, second, small], 1, 900) == [450, 450, 0]
    assert last_shares(TUNED, [best, second, small], 1, 1100) == [450, 0, 120], "too little would be lost on the second"
    assert last_shares(TUNED, [replace(best, seconds=601.0), small], 2, 900) == [0, 0], "nothing was kept for them"
    stopped = replace(small, rung_accuracies=(0.8,))
    assert last_shares(TUNED, [stopped], 1, 900) == [3 * 40 / RUNG]
    assert last_shares(replace(TUNED, minutes=None), [best, small], 2, 900) == [None, None]


def test_along_a_front_time_is_kept_for_what_was_cut_out_if_the_best_takes_too_long() -> None:
    spec = replace(TUNED, objective="front", image_px=128)
    slow = replace(ended(spec, 1.0), architecture=network(128), seconds=610.0, latency_ms=1.2)
    small = replace(slow, number=2, architecture=network(64), validation_accuracy=0.8, seconds=200.0, latency_ms=0.7)
    cut = replace(small, number=3, architecture=network(64, 0.5), validation_accuracy=0.7, latency_ms=0.4)
    passed_s = 1800 * (1 - LAST_SHARE)
    assert in_the_time_left(spec, [slow, small], passed_s) is not None, "nothing was cut out yet"
    assert in_the_time_left(spec, [slow, small, cut], passed_s) is None
    assert in_the_time_left(replace(spec, objective="target"), [slow, small, cut], passed_s) is not None
    assert last_shares(spec, [slow, cut], 1, 900) == [0, 600]
    whole = replace(slow, seconds=500.0)
    assert last_shares(spec, [whole, cut], 1, 900) == [0, 600], "who needs more than usual comes after the others"
    assert last_shares(spec, [whole, cut], 2, 900) == [900, 600]
    longer = replace(cut, seconds=250.0)
    assert in_the_time_left(spec, [slow, small, longer], 1800 - 750) is None, "what was cut out has more than usual"
    assert in_the_time_left(spec, [whole, small], 1800 - 750) is not None, "a whole network has not"
    assert last_shares(replace(spec, objective="target"), [slow, cut], 1, 900) == [0, 0]
    slower = [replace(slow, seconds=550.0), replace(cut, seconds=500.0)]
    assert last_shares(spec, slower, 1, 900) == [0, 900], "what was cut out comes first"


def test_a_longer_training_that_fits_in_only_with_all_threads_keeps_its_time() -> None:
    spec = replace(TUNED, objective="front", image_px=128)
    slow = replace(ended(spec, 1.0), architecture=network(128), seconds=910.0, latency_ms=1.2)
    cut = replace(slow, number=2, architecture=network(64, 0.5), validation_accuracy=0.7, seconds=650.0, latency_ms=0.4)
    assert in_the_time_left(spec, [slow, cut], 1800 - 750) is not None
    assert in_the_time_left(spec, [slow, cut], 1800 - 750, threads=2) is None


def test_trials_that_used_what_was_kept_leave_the_longer_training_the_rest() -> None:
    best, small = (replace(ended(TUNED, 1.0), seconds=seconds) for seconds in (150.0, 40.0))
    assert last_seconds(TUNED, 1200) == 600, "they ended in time"
    assert last_seconds(TUNED, 1300) == 600, "a trial that took longer than foretold does not take it away"
    assert last_seconds(TUNED, 1600) == pytest.approx(380)
    assert last_seconds(TUNED, 2400) == 0
    assert last_shares(TUNED, [best, small], 1, 1600) == pytest.approx([380, 0])
    assert last_shares(TUNED, [small, best], 1, 1800) == [120, 0]
    assert last_shares(replace(TUNED, minutes=None), [best], 1, 9999) == [None]


def test_who_is_best_and_was_cut_out_has_more_than_usual_along_a_front() -> None:
    spec = replace(TUNED, objective="front", image_px=128)
    seconds = START_SECONDS + taught_seconds(spec, network(96, 0.5), None)
    assert LAST_SHARE * 1800 < LONGER * seconds < MOST_LAST_SHARE * 1800
    cut = replace(ended(spec, 1.0), architecture=network(96, 0.5), seconds=seconds)
    found = in_the_time_left(spec, [cut], 400)
    assert found is not None
    assert 60 * found.room_minutes <= 1800 - LONGER * seconds - 400


def test_the_pace_counts_the_answers_of_the_teacher_that_a_trial_had() -> None:
    spec = replace(TUNED, image_px=128)
    small = replace(ended(spec, 1.0), architecture=network(64), rung_accuracies=(0.8,))
    cut = replace(small, number=2, architecture=network(64, 0.5), teacher=1, rung_accuracies=(0.8, 0.9))
    foretold_s = taught_seconds(spec, network(64, 0.5), network(64))
    assert foretold_s < training_seconds(spec, network(64, 0.5)), "who will teach is taken to be larger"
    history = [small, replace(cut, seconds=START_SECONDS + 2 * foretold_s)]
    assert pace_of(spec, history) == pytest.approx(2.0)


def test_what_was_stopped_or_failed_says_nothing_about_the_pace() -> None:
    stopped = replace(ended(TUNED, 9.0), rung_accuracies=(0.8,))
    failed = replace(ended(TUNED, 9.0), state=TrialState.FAILED)
    assert pace_of(TUNED, [stopped, failed]) == 1.0


def test_the_first_trial_always_begins() -> None:
    hasty = replace(TUNED, minutes=0.1)
    found = in_the_time_left(hasty, [], 0)
    assert found is not None
    proposal = next_proposal(found, [])
    assert isinstance(proposal, Proposal)
    shortest = limits_of(hasty).shortest_training_seconds
    assert training_seconds(hasty, proposal.architecture) <= 3 * shortest


def test_a_part_of_the_minutes_is_for_the_longer_training_where_there_is_one() -> None:
    assert last_seconds(TUNED, 700) == 1100, "all that trials left"
    scratch = replace(TUNED, training_pictures=600, backbone="", families=("efficientnet_edgetpu",))
    assert last_seconds(replace(scratch, from_trials=False), 700) == 0, "such trials show their pictures often enough"
    assert last_seconds(scratch, 700) == 1100, "but not those that begin with another one"


def test_nothing_is_kept_for_the_last_while_the_best_was_trained_to_its_end_from_nothing() -> None:
    scratch = replace(TUNED, training_pictures=600, backbone="", families=("efficientnet_edgetpu",))
    network = propose(scratch, [])
    assert network is not None
    best = TrialRecord(1, network, TrialState.DONE, 0.9, 0.9, 0.5, seconds=100.0, rung_accuracies=(0.5, 0.9))
    passed_s = 60 * MINUTES * (1 - LAST_SHARE)
    assert in_the_time_left(scratch, [best], passed_s) is not None
    assert in_the_time_left(scratch, [replace(best, parent=1)], passed_s) is None

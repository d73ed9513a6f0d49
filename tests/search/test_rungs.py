from __future__ import annotations

from dataclasses import replace

import pytest

from models.architecture import Architecture, Block
from search.problem import Goal
from search.propose import Proposal, Stopped
from search.rungs import Promotion, next_step, promotion
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

SPEC = SearchSpec(classes=3, image_px=24, latency_limit_ms=1.0, device="devboard", trials=12)


def _trial(
    number: int, *accuracies: float, latency_ms: float = 0.5, state: TrialState = TrialState.DONE
) -> TrialRecord:
    network = Architecture("efficientnet_edgetpu", 24, 8, (Block("fused", 3, 1, 16, 8 * number),), 128)
    rung = max(0, len(accuracies) - 1)
    accuracy = accuracies[-1] if accuracies else None
    return TrialRecord(
        number, network, state, accuracy, latency_ms=latency_ms, rung=rung, rung_accuracies=tuple(accuracies)
    )


def test_nobody_goes_on_before_three_reached_the_rung() -> None:
    assert promotion(SPEC, [_trial(1, 0.5), _trial(2, 0.6)], 2) is None


def test_the_best_third_goes_on_each_once() -> None:
    history = [_trial(number, 0.5 + 0.05 * number) for number in range(1, 7)]
    first = promotion(SPEC, history, 2)
    assert first is not None
    assert (first.number, first.rung) == (6, 1)
    history[5] = replace(history[5], state=TrialState.RUNNING, rung=1)
    second = promotion(SPEC, history, 2)
    assert second is not None
    assert second.number == 5
    history[4] = replace(history[4], rung=1, rung_accuracies=(0.75, 0.8))
    assert promotion(SPEC, history, 2) is None


def test_the_farthest_rung_goes_first() -> None:
    history = [_trial(1, 0.9, 0.91), _trial(2, 0.8, 0.85), _trial(3, 0.7, 0.95), *(_trial(n, 0.5) for n in (4, 5, 6))]
    found = promotion(SPEC, history, 3)
    assert found is not None
    assert (found.number, found.rung) == (3, 2)


@pytest.mark.parametrize(("goal", "expected"), [(Goal.TARGET, 3), (Goal.FRONT, 1)])
def test_for_a_front_a_fast_network_need_not_beat_a_slow_one(goal: Goal, expected: int) -> None:
    history = [_trial(1, 0.7, latency_ms=0.2), _trial(2, 0.69, latency_ms=0.5), _trial(3, 0.75, latency_ms=0.9)]
    found = promotion(replace(SPEC, objective=goal), history, 2)
    assert found is not None
    assert found.number == expected


def test_a_failed_trial_does_not_go_on() -> None:
    history = [_trial(1, 0.9, state=TrialState.FAILED), _trial(2, 0.5), _trial(3, 0.4)]
    assert promotion(SPEC, history, 2) is None


def test_a_new_network_is_started_where_none_has_earned_more_and_nothing_once_trials_are_used_up() -> None:
    history = [_trial(1, 0.5), _trial(2, 0.6)]
    assert isinstance(next_step(SPEC, history, 2), Proposal)
    assert isinstance(next_step(replace(SPEC, trials=2), history, 2), Stopped)
    assert isinstance(next_step(SPEC, [*history, _trial(3, 0.7)], 2), Promotion)

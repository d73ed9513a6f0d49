from __future__ import annotations

from dataclasses import replace

import pytest

from models.architecture import Architecture, Block
from models.backbones import BACKBONES
from models.families import FAMILIES
from search.problem import Goal
from search.rungs import ended, goes_on, kind_of, rung_epoch
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

SPEC = SearchSpec(classes=3, image_px=24, latency_limit_ms=1.0, device="devboard", trials=12)
TUNED = replace(SPEC, families=("mobilenet_v2",), backbone=next(iter(BACKBONES)), objective=Goal.FRONT)
NEW = (False, False)
"""A training that begins with nothing."""


def _trial(number: int, *accuracies: float, latency_ms: float = 0.5) -> TrialRecord:
    network = Architecture("efficientnet_edgetpu", 24, 8, (Block("fused", 3, 1, 16, 8 * number),), 128)
    return TrialRecord(
        number, network, TrialState.DONE, accuracies[-1], latency_ms=latency_ms, rung_accuracies=tuple(accuracies)
    )


def test_the_first_trainings_reach_their_end_whatever_they_are() -> None:
    assert goes_on(SPEC, [], NEW, 0.5, 0.0)
    assert goes_on(SPEC, [_trial(1, 0.9, 0.95)], NEW, 0.5, 0.0)


def test_the_weaker_half_stops_at_the_rung() -> None:
    history = [_trial(number, 0.5 + 0.1 * number, 0.9) for number in (1, 2, 3)]
    assert not goes_on(SPEC, history, NEW, 0.5, 0.55)
    assert goes_on(SPEC, history, NEW, 0.5, 0.75)
    assert goes_on(SPEC, history, NEW, 0.5, 0.95)


@pytest.mark.parametrize(("goal", "expected"), [(Goal.TARGET, False), (Goal.FRONT, True)])
def test_for_a_front_a_fast_network_need_not_beat_a_slow_one(goal: Goal, expected: bool) -> None:
    history = [_trial(1, 0.90, 0.9, latency_ms=0.9), _trial(2, 0.91, 0.9, latency_ms=0.8), _trial(3, 0.89, 0.9)]
    assert goes_on(replace(SPEC, objective=goal), history, NEW, 0.2, 0.7) is expected


def test_a_network_that_promises_a_lead_along_a_front_goes_on_though_others_lead_by_more() -> None:
    history = [
        _trial(1, 0.85, 0.90, latency_ms=1.2),
        _trial(2, 0.77, 0.82, latency_ms=0.7),
        _trial(3, 0.73, 0.78, latency_ms=0.6),
    ]
    spec = replace(SPEC, objective=Goal.FRONT)
    assert goes_on(spec, history, NEW, 0.9, 0.786), "it promises 1.6 points, the others are 4 and 6 ahead"
    assert not goes_on(spec, history, NEW, 0.8, 0.774), "it promises less than a point"


def test_a_stopped_trial_counts_as_what_it_would_have_reached() -> None:
    first, second, third = ended(SPEC, [_trial(1, 0.6, 0.8), _trial(2, 0.7, 0.8), _trial(3, 0.5)])
    assert (first.validation_accuracy, second.validation_accuracy) == (0.8, 0.8)
    assert third.validation_accuracy == pytest.approx(0.5 + (0.2 + 0.1) / 2)
    assert ended(SPEC, [_trial(3, 0.5)])[0].validation_accuracy == 0.5


def _of_mobilenet(number: int, depth: int, *accuracies: float) -> TrialRecord:
    """A trial of the whole published network, or of one with fewer blocks."""
    family = FAMILIES["mobilenet_v2"]
    chosen = {name: values[-1] for name, values in family.choices(96).items()}
    network = family.build({name: min(depth, value) if "depth" in name else value for name, value in chosen.items()})
    return replace(_trial(number, *accuracies), architecture=network)


def test_what_was_cut_out_is_not_compared_with_whole_networks_at_the_rung() -> None:
    whole = [_of_mobilenet(number, 9, 0.8, 0.88) for number in (1, 2)]
    cut = _of_mobilenet(3, 1, 0.6, 0.86)
    kind = kind_of(TUNED, cut.architecture, knows_pictures=False)
    assert kind == NEW
    assert kind_of(TUNED, whole[0].architecture, knows_pictures=False) == (True, False)
    assert goes_on(TUNED, whole, kind, 0.5, 0.1), "nobody knows yet what such a training gains"
    assert goes_on(TUNED, [*whole, cut], kind, 0.5, 0.64), "0.64 + 0.26 is more than 0.8 + 0.08"
    assert not goes_on(TUNED, [*whole, cut], kind, 0.5, 0.58)
    assert not goes_on(TUNED, [*whole, cut], (True, False), 0.5, 0.7)
    stopped = _of_mobilenet(4, 2, 0.6)
    assert ended(TUNED, [*whole, cut, stopped])[3].validation_accuracy == pytest.approx(0.86)
    assert ended(TUNED, [*whole, stopped])[2].validation_accuracy == pytest.approx(0.68)


def test_trainings_of_a_few_epochs_have_no_rung() -> None:
    assert [rung_epoch(epochs) for epochs in (1, 3, 4, 8, 40)] == [0, 0, 1, 2, 10]

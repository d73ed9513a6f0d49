"""What the training of a network takes, known before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.cost import cost_of, teaching_seconds, training_seconds
from search.space import limits_of, room_seconds, space_of
from tests.search.specs import TUNED


def test_the_answers_of_a_teacher_are_most_of_what_a_tiny_network_takes() -> None:
    space = space_of(TUNED)
    tiny = space.family.build(space.smallest)
    untaught = replace(TUNED, latency_limit_ms=0.6)  # no whole network is so fast, so there is no teacher
    shown, whole_macs = 12 * 2400, 98e6  # MobileNet v2 at 128 px
    assert teaching_seconds(TUNED) == pytest.approx(shown * whole_macs / 25e6 / 1000, rel=0.02)
    assert teaching_seconds(untaught) == 0
    assert training_seconds(TUNED, tiny) - teaching_seconds(TUNED) == pytest.approx(training_seconds(untaught, tiny))
    assert teaching_seconds(TUNED) > training_seconds(untaught, tiny)


def test_however_short_trainings_must_be_there_is_room_for_more_than_the_shortest_but_not_for_three_teachers() -> None:
    hasty = replace(TUNED, trial_minutes=0.1)
    shortest_s = limits_of(hasty).shortest_training_seconds
    assert shortest_s < room_seconds(hasty) < 2 * shortest_s


def test_the_cost_of_a_network_has_its_training() -> None:
    tiny = space_of(TUNED).family.build(space_of(TUNED).smallest)
    assert cost_of(TUNED, tiny).training_seconds == training_seconds(TUNED, tiny)


def test_a_search_from_scratch_has_no_teacher() -> None:
    scratch = replace(TUNED, backbone="")
    small = space_of(scratch).family.build(space_of(scratch).smallest)
    assert training_seconds(scratch, small) == training_seconds(replace(scratch, latency_limit_ms=0.6), small)

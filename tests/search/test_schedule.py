from __future__ import annotations

import pytest

from search.schedule import (
    FEWEST_EPOCHS,
    FEWEST_STEPS,
    MOST_EPOCHS,
    PICTURES_SEEN,
    heir_schedule_for,
    schedule_for,
)


@pytest.mark.parametrize("pictures", [20, 200, 1257, 1443, 20_000, 200_000])
def test_the_length_of_a_training_follows_from_the_number_of_pictures(pictures: int) -> None:
    schedule = schedule_for(pictures)
    steps = schedule.epochs * schedule.steps_per_epoch
    assert steps >= FEWEST_STEPS
    assert schedule.epochs >= FEWEST_EPOCHS
    assert schedule.epochs <= MOST_EPOCHS or steps - schedule.steps_per_epoch < FEWEST_STEPS
    if PICTURES_SEEN / MOST_EPOCHS < pictures < PICTURES_SEEN / FEWEST_EPOCHS:
        assert schedule.epochs * pictures == pytest.approx(PICTURES_SEEN, rel=0.05)
    assert schedule.batch <= pictures


def test_the_learning_rate_warms_up_and_ends_near_zero() -> None:
    schedule = schedule_for(1443)
    steps = schedule.epochs * schedule.steps_per_epoch
    rates = [schedule.rate_at(step) for step in range(steps)]
    peak = rates.index(max(rates))
    assert 0.05 * steps < peak < 0.15 * steps
    assert max(rates) == schedule.peak_rate
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] < 0.001 * schedule.peak_rate


@pytest.mark.parametrize("pictures", [20, 300, 1257, 20_000])
def test_a_network_that_begins_with_a_trial_learns_half_as_long_and_the_chosen_one_as_long(pictures: int) -> None:
    scratch, heir = schedule_for(pictures), heir_schedule_for(pictures, knows_pictures=True)
    assert heir.epochs == pytest.approx(scratch.epochs / 2, abs=0.5)
    assert scratch.epochs <= heir.longer_epochs <= scratch.epochs + 1
    assert heir_schedule_for(pictures).epochs >= scratch.epochs


def test_what_is_cut_out_of_a_published_network_sees_as_many_pictures_of_a_small_set_as_of_a_large_one() -> None:
    assert [heir_schedule_for(pictures).epochs for pictures in (100, 300, 602, 3000)] == [100, 100, 50, 10]
    assert [heir_schedule_for(pictures).longer_epochs for pictures in (300, 602, 3000)] == [0, 120, 30]
    assert schedule_for(300).epochs == 40, "from scratch nothing longer was measured"

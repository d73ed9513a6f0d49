from __future__ import annotations

import pytest

from search.schedule import FEWEST_EPOCHS, FEWEST_STEPS, MOST_EPOCHS, PICTURES_SEEN, schedule_for


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

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.acquisition import Steps, expected_area, expected_improvement, normal_cdf
from search.front import front_positions, hypervolume

POINTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 5)), min_size=1, max_size=20)


def test_the_area_below_a_staircase_is_the_sum_of_its_rectangles() -> None:
    values, costs = np.array([0.5, 0.8, 0.7, 0.95]), np.array([1.0, 2.0, 3.0, 9.0])
    area = hypervolume(values, costs, worst_value=0.4, worst_cost=5.0)
    assert area == pytest.approx((2 - 1) * 0.1 + (5 - 2) * 0.4)


def test_of_equals_the_first_is_on_the_front() -> None:
    assert front_positions(np.array([0.5, 0.5, 0.4]), np.array([1.0, 1.0, 0.5])) == [2, 0]


@given(POINTS)
def test_nothing_beats_what_is_on_the_front_and_something_beats_the_rest(points: list[tuple[float, float]]) -> None:
    values, costs = np.array(points).T
    front = front_positions(values, costs)
    for position in range(len(points)):
        better = (values >= values[position]) & (costs <= costs[position])
        better &= (values > values[position]) | (costs < costs[position])
        equal_earlier = ((values == values[position]) & (costs == costs[position]))[:position].any()
        assert (position in front) == (not better.any() and not equal_earlier)


def test_the_expected_area_is_what_many_draws_give_on_average() -> None:
    values, costs = np.array([0.5, 0.7, 0.8]), np.array([1.0, 2.0, 4.0])
    reference = {"worst_value": 0.3, "worst_cost": 6.0}
    mean, deviation, cost = 0.72, 0.1, 1.5
    steps = Steps(values, costs, **reference)
    foretold = expected_area(np.array([mean]), np.array([deviation]), np.array([cost]), steps)[0]
    before = hypervolume(values, costs, **reference)
    draws = np.random.default_rng(0).normal(mean, deviation, 4000)
    gains = [hypervolume(np.append(values, draw), np.append(costs, cost), **reference) - before for draw in draws]
    assert foretold == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / 4000**0.5)


def test_the_staircase_says_what_each_budget_buys() -> None:
    steps = Steps(np.array([0.5, 0.7]), np.array([1.0, 2.0]), worst_value=0.3, worst_cost=6.0)
    assert steps.at(np.array([0.5, 1.0, 1.9, 5.0])).tolist() == [0.3, 0.5, 0.5, 0.7]


def test_a_certain_value_gains_exactly_its_lead() -> None:
    gains = expected_improvement(np.array([0.6, 0.4]), np.array([0.0, 0.0]), 0.5)
    assert gains == pytest.approx([0.1, 0.0], abs=1e-9)


def test_the_normal_distribution_is_right_to_seven_digits() -> None:
    points = np.linspace(-5, 5, 41)
    exact = [0.5 * (1 + math.erf(point / 2**0.5)) for point in points]
    assert normal_cdf(points) == pytest.approx(exact, abs=1.5e-7)

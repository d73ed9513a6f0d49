from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.runs.chart import Chart, Point, chart_of, pareto, steps


def point(number: int, ms: float, accuracy: float, best: bool = False) -> Point:
    return Point(number, ms, ms * 0.9, ms * 1.1, accuracy, best)


def drawn(points: list[Point], limit_ms: float = 3.0) -> Chart:
    chart = chart_of(points, limit_ms)
    assert chart is not None
    return chart


def test_without_a_point_there_is_no_chart() -> None:
    assert chart_of([], 3.0) is None


def test_a_faster_network_stands_further_left_and_a_better_one_higher() -> None:
    slow, fast = drawn([point(1, 2.0, 0.9), point(2, 1.0, 0.8)]).marks[::-1]
    assert fast.x < slow.x
    assert fast.y > slow.y


def test_the_front_holds_those_that_no_other_beats() -> None:
    points = [point(1, 1.0, 0.8), point(2, 2.0, 0.7), point(3, 2.5, 0.9), point(4, 1.0, 0.75)]
    assert [each.number for each in pareto(points)] == [1, 3]


def test_the_front_is_a_line_of_steps() -> None:
    chart = drawn([point(1, 1.0, 0.8), point(2, 2.0, 0.9)])
    assert chart.front.startswith("M")
    assert "H" in chart.front
    assert drawn([point(1, 1.0, 0.8)]).front == ""


def test_the_limit_stands_right_of_every_network_within_it() -> None:
    chart = drawn([point(1, 2.9, 0.9)], limit_ms=3.0)
    assert chart.limit_x is not None
    assert chart.marks[0].x < chart.limit_x <= chart.right
    assert chart.limit_label == "limit 3 ms"


def test_a_limit_far_away_is_only_pointed_at() -> None:
    chart = drawn([point(1, 1.0, 0.9)], limit_ms=50.0)
    assert chart.limit_x is None
    assert chart.limit_label == "limit 50 ms →"


def test_every_point_tells_its_figures_their_unit_and_their_origin() -> None:
    title = drawn([point(3, 2.14, 0.912, best=True)]).marks[0].title
    assert title == "Trial 3: 91.2 % int8, 2.14 ms estimated (1.93–2.35)"


def test_people_who_do_not_see_the_chart_hear_the_best() -> None:
    assert "Best: Trial 3: 91.2 %" in drawn([point(3, 2.14, 0.912, best=True)]).summary


@given(
    st.lists(st.tuples(st.floats(0.01, 500), st.floats(0, 1)), min_size=1, max_size=30),
    st.floats(0.01, 1000),
)
def test_nothing_is_drawn_outside_of_the_axes(found: list[tuple[float, float]], limit_ms: float) -> None:
    chart = drawn([point(number, ms, accuracy) for number, (ms, accuracy) in enumerate(found)], limit_ms)
    for mark in chart.marks:
        assert chart.left <= mark.low_x <= mark.x <= mark.high_x <= chart.right
        assert chart.top - 0.1 <= mark.y <= chart.bottom + 0.1
    assert 2 <= len(chart.x_ticks) <= 12
    assert 2 <= len(chart.y_ticks) <= 12


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 3.1, [0, 1, 2, 3, 4]), (0, 0.9, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (91, 97, [90, 92, 94, 96, 98])],
)
def test_steps_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert steps(low, high) == expected

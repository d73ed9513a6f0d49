from __future__ import annotations

from models.running_order import running_order

START = (-1,)


def test_a_path_is_finished_before_the_next_begins() -> None:
    first, second, of_first, of_second, join = START, START, (0,), (1,), (2, 3)
    assert running_order([first, second, of_first, of_second, join]) == [0, 2, 1, 3, 4]


def test_paths_come_in_the_order_of_their_names_however_they_are_joined() -> None:
    assert running_order([START, START, (1, 0)]) == [0, 1, 2]


def test_what_two_paths_need_comes_before_both() -> None:
    shared, left, right, join = START, (0,), (0,), (1, 2)
    assert running_order([shared, left, right, join]) == [0, 1, 2, 3]


def test_a_path_that_skips_ahead_waits_for_what_it_is_joined_with() -> None:
    assert running_order([START, (0, -1), (1, 0)]) == [0, 1, 2]

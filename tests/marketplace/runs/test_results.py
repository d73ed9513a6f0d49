from __future__ import annotations

from typing import Any

import pytest

from marketplace.runs import results
from tests.factories import figures


def validation(**changes: Any) -> dict[str, Any]:
    return {**figures(["ant", "bee", "cat"])["validation"], **changes}


def test_the_parts_of_the_memory_bar_fill_it() -> None:
    parts = results.memory_parts({"cached_bytes": 600, "streamed_bytes": 100, "remaining_bytes": 300})
    assert [(part.css, part.share) for part in parts] == [("cached", 60.0), ("streamed", 10.0), ("free", 30.0)]


@pytest.mark.parametrize("estimate", [{}, {"cached_bytes": None}, {"cached_bytes": 0}])
def test_without_figures_there_is_no_memory_bar(estimate: dict[str, Any]) -> None:
    assert results.memory_parts(estimate) == []


def test_only_accuracies_that_were_found_are_shown() -> None:
    shown = results.accuracies({"float_accuracy": 0.9, "int8_accuracy": None})
    assert [each.form for each in shown] == ["float"]


def test_the_cost_of_int8_is_told_in_points() -> None:
    assert results.points_lost({"float_accuracy": 0.95, "int8_accuracy": 0.942}) == 0.8
    assert results.points_lost({"float_accuracy": 0.95}) is None


@pytest.mark.parametrize("bounds", [None, [], [0.1], ["a", "b"], "ab"])
def test_an_interval_that_is_none_is_not_shown(bounds: Any) -> None:
    assert results.interval({"interval": bounds}) is None


def test_the_class_that_is_found_least_often_comes_first() -> None:
    assert [row["name"] for row in results.per_class(validation())] == ["ant", "bee", "cat"]
    assert results.per_class({}) == []


def test_mistakes_are_ordered_by_how_often_they_happen() -> None:
    confusion = [[5, 0, 1], [3, 2, 0], [0, 0, 5]]
    first, second = results.mistakes(validation(confusion=confusion))
    assert (first.truth, first.answer, first.pictures) == ("bee", "ant", 3)
    assert (second.truth, second.answer, second.share) == ("ant", "cat", 1 / 6)


@pytest.mark.parametrize("confusion", [None, [], [[1, 2]], [[1], [2], [3]]])
def test_a_matrix_that_does_not_fit_the_classes_is_left_out(confusion: Any) -> None:
    assert results.matrix(validation(confusion=confusion)) == []
    assert results.mistakes(validation(confusion=confusion)) == []


def test_a_matrix_too_large_to_read_is_left_to_the_list_of_mistakes() -> None:
    names = [f"class {number}" for number in range(results.MATRIX_CLASSES + 1)]
    large = figures(names)["validation"]
    assert results.matrix(large) == []
    assert len(results.mistakes(large)) == results.MISTAKES_SHOWN

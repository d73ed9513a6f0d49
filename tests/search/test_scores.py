from __future__ import annotations

import json

import numpy as np
import pytest

from search.scores import agreement, clearly_worse, interval_95, recall_changes, scores_of


def test_scores_count_right_answers_of_each_class() -> None:
    scores = scores_of(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1]), 3)
    assert scores["accuracy"] == pytest.approx(0.8)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert scores["recall"] == [pytest.approx(2 / 3), 1.0, None]
    assert scores["precision"] == [1.0, pytest.approx(2 / 3), None]
    assert scores["confusion"] == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    json.dumps(scores, allow_nan=False)


def test_the_interval_is_wilsons() -> None:
    low, high = interval_95(81, 263)  # Newcombe 1998, Statistics in Medicine 17, table I
    assert (low, high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert interval_95(0, 20)[0] == 0.0
    assert interval_95(20, 20)[1] == 1.0


def test_agreement_is_the_share_of_equal_answers() -> None:
    assert agreement(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 0])) == 0.75


def test_classes_that_moved_are_named_with_the_largest_loss_first() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2, 3])
    before = scores_of(labels, np.array([0, 0, 1, 0, 2, 2, 3]), 5)
    after = scores_of(labels, np.array([0, 1, 1, 1, 0, 1, 3]), 5)
    assert recall_changes(before, after, ["a", "b", "c", "d", "no pictures"]) == [
        {"name": "c", "before": 1.0, "after": 0.0},
        {"name": "a", "before": 1.0, "after": 0.5},
        {"name": "b", "before": 0.5, "after": 1.0},
    ]


def test_what_chance_explains_is_not_clearly_worse() -> None:
    before = np.ones(130, dtype=bool)
    for lost, worse in ((0, False), (2, False), (4, False), (5, True)):
        after = before.copy()
        after[:lost] = False
        assert clearly_worse(before, after) == worse
        assert not clearly_worse(after, before)
    mixed = np.arange(130) % 13 > 0
    assert not clearly_worse(mixed, mixed[::-1])

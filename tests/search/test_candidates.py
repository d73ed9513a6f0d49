"""Candidates are looked at once each, in an order that does not depend on where they came from."""

from __future__ import annotations

import numpy as np
import pytest

from search.candidates import distinct


@pytest.mark.parametrize("highest", [1, 3, 300])
def test_each_row_is_kept_once_in_the_order_of_its_codes(highest: int) -> None:
    codes = np.random.default_rng(highest).integers(0, highest + 1, (500, 6))
    again = np.concatenate([codes[::-1], codes])
    assert np.array_equal(distinct(again), np.unique(codes, axis=0))


def test_no_rows_are_none() -> None:
    assert distinct(np.zeros((0, 4), dtype=np.int64)).shape == (0, 4)

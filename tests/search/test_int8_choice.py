"""Which way to int8 is released."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from search.quantizing import Candidate, Quantized, chosen_of

PICTURES = 130


def candidate(way: str, lost: int, distance: float) -> Candidate:
    """Return a way that gets all but some pictures right."""
    return Candidate(way, Path(way), np.arange(PICTURES) >= lost, 1.0, distance)


def test_a_picture_or_two_more_are_no_reason_to_leave_the_closest_to_float() -> None:
    lucky, close = candidate("trained", lost=1, distance=0.010), candidate("corrected", lost=3, distance=0.003)
    assert chosen_of([lucky, close]) is close


def test_what_is_clearly_less_accurate_is_not_taken_however_close_it_is() -> None:
    good, close = candidate("plain", lost=1, distance=0.010), candidate("corrected", lost=9, distance=0.003)
    assert chosen_of([good, close]) is good


def test_of_equally_close_ones_the_simpler_is_taken() -> None:
    plain, corrected = candidate("plain", lost=2, distance=0.0), candidate("corrected", lost=2, distance=0.0)
    assert chosen_of([plain, corrected]) is plain


@pytest.mark.parametrize(
    ("tried", "begins"),
    [
        ([("plain", 1, 0.01)], "The only way tried"),
        ([("plain", 1, 0.01), ("corrected", 3, 0.003)], "The closest to float of 2 ways tried"),
        (
            [("plain", 0, 0.02), ("trained", 2, 0.01), ("corrected", 9, 0.003)],
            "The closest to float of the accurate ones among 3 ways tried",
        ),
    ],
)
def test_the_reason_says_by_what_a_way_was_chosen(tried: list[tuple[str, int, float]], begins: str) -> None:
    ways = tuple(candidate(*each) for each in tried)
    found = Quantized(cast(Any, None), Path("any"), chosen_of(ways), ways, {}, 1.0, seed=0)
    assert found.reason.startswith(f"{begins}: ")

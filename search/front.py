"""The candidates that no other beats in both value and cost, and how much they cover. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def front_positions(values: Floats, costs: Floats) -> list[int]:
    """Return the positions that nothing else beats, by rising cost; of equals the first.

    Args:
        values: larger is better.
        costs: smaller is better.
    """
    kept, best = [], -np.inf
    for position in np.lexsort((np.arange(len(values)), -values, costs)):
        if values[position] > best:
            kept.append(int(position))
            best = values[position]
    return kept


def hypervolume(values: Floats, costs: Floats, *, worst_value: float, worst_cost: float) -> float:
    """Return the area between the front and a reference point; what is worse than the point counts nothing."""
    useful = (values > worst_value) & (costs < worst_cost)
    values, costs = values[useful], costs[useful]
    kept = front_positions(values, costs)
    ends = np.append(costs[kept][1:], worst_cost)
    return float(((ends - costs[kept]) * (values[kept] - worst_value)).sum())

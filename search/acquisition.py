"""By how much a candidate is expected to improve on what was found; in closed form, because its cost is known. Pure."""

from __future__ import annotations

from math import pi

import numpy as np

from search.front import front_positions
from search.problem import Floats


class Steps:
    """The front as a staircase: the best value that each budget buys."""

    def __init__(self, values: Floats, costs: Floats, *, worst_value: float, worst_cost: float) -> None:
        useful = np.flatnonzero((values > worst_value) & (costs < worst_cost))
        self.positions = useful[front_positions(values[useful], costs[useful])]
        """Of the candidates on the front, by rising cost."""
        self.values = np.concatenate([[worst_value], values[self.positions]])
        self.starts = np.concatenate([[-np.inf], costs[self.positions]])
        self.ends = np.append(self.starts[1:], worst_cost)

    def at(self, costs: Floats) -> Floats:
        """Return the best value that each budget buys."""
        return np.asarray(self.values[np.searchsorted(self.starts, costs, side="right") - 1])


def expected_improvement(mean: Floats, deviation: Floats, best: float | Floats) -> Floats:
    """Return by how much each value is expected to exceed the best, counting no loss where it does not."""
    deviation = np.maximum(deviation, 1e-12)
    distance = (mean - best) / deviation
    density = np.exp(-0.5 * distance**2) / (2 * pi) ** 0.5
    return np.asarray(np.maximum((mean - best) * normal_cdf(distance) + deviation * density, 0.0))


def expected_area(mean: Floats, deviation: Floats, costs: Floats, steps: Steps) -> Floats:
    """Return by how much each candidate is expected to enlarge the area below the front.

    A candidate serves every budget from its own cost on, so the gain is, summed over the segments of the front, the
    part of the segment's width that lies above its cost times the expected improvement on the segment's value.
    """
    widths = np.maximum(steps.ends[None] - np.maximum(steps.starts[None], costs[:, None]), 0.0)
    gains = expected_improvement(mean[:, None], deviation[:, None], steps.values[None])
    return np.asarray((widths * gains).sum(axis=1))


def normal_cdf(values: Floats) -> Floats:
    """Return the share of a normal distribution below each value, to 1e-7.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17.
    """
    factors = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
    part = 1.0 / (1.0 + 0.2316419 * np.abs(values))
    tail = np.exp(-0.5 * values**2) / (2 * pi) ** 0.5 * sum(f * part**n for n, f in enumerate(factors, 1))
    return np.asarray(np.where(values > 0, 1.0 - tail, tail))

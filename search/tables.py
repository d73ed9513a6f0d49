"""A table of networks whose accuracy is known, as a problem for the engine: trying one is looking it up. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from search.problem import Choice, Codes, Floats, Known, uniform

Canonical = Callable[[tuple[int, ...]], object]
"""From codes to what equal networks share."""


@dataclass(frozen=True)
class Table:
    """Networks, what they cost, and how accurate they are."""

    name: str
    choices: tuple[Choice, ...]
    codes: Codes
    accuracies: Floats
    costs: Floats
    parameters: Floats | None = None
    equal: Canonical | None = None

    @cached_property
    def cost_limit(self) -> float:
        """The cost that 99 % of the table stay below: what is dearer counts for nothing."""
        return float(np.quantile(self.costs, 0.99))

    def anchors(self) -> Codes:
        """Return the cheapest network."""
        return self.codes[[int(np.argmin(self.costs))]]

    def canonical(self, codes: Codes) -> Codes:
        """Return the codes themselves: in a table every choice has a meaning."""
        return codes

    def known(self, codes: Codes) -> Known:
        """Return what the table says of candidates beside their accuracy."""
        rows = self.rows_of(codes)
        features = np.empty((len(codes), 0)) if self.parameters is None else np.log(self.parameters[rows])[:, None]
        keys = self._keys
        return Known(tuple(keys[row] for row in rows), self.costs[rows], features, rows >= 0)

    def sample(self, random: np.random.Generator, count: int) -> Codes:
        """Return random networks of the table."""
        if len(self.codes) * 4 < self._positions.size:
            return self.codes[random.integers(len(self.codes), size=count)]
        return uniform(self.choices, random, count)

    def rows_of(self, codes: Codes) -> Codes:
        """Return the row of each candidate, -1 where the table has none."""
        return self._positions[tuple(codes.T)]

    @cached_property
    def _positions(self) -> Codes:
        found = np.full([len(choice.values) for choice in self.choices], -1, dtype=np.int64)
        found[tuple(self.codes.T)] = np.arange(len(self.codes))
        return found

    @cached_property
    def _keys(self) -> list[str]:
        ways = map(tuple, self.codes.tolist())
        return [str(self.equal(way)) if self.equal else repr(way) for way in ways]

"""What computation alone foretells, and that the engine learns the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.engine import Settings, pick
from search.problem import Choice, Codes, Goal, Known, Tried
from search.scaling import POWER, foretold
from search.tables import Table


def test_errors_fall_as_a_power_of_computation_from_the_best_so_far() -> None:
    likely = foretold(np.array([8e6, 16e6, 64e6]), 0.9, 16e6)
    assert likely[1] == pytest.approx(0.9)
    assert 1 - likely[0] == pytest.approx(0.1 * 2**POWER)
    assert 1 - likely[2] == pytest.approx(0.1 / 4**POWER)


def test_no_accuracy_is_foretold_beyond_all_or_below_a_tenth() -> None:
    assert foretold(np.array([1.0]), 0.5, 16e6) == pytest.approx(0.1)
    assert 0.995 < foretold(np.array([1e12]), 1.0, 16e6)[0] <= 1.0


class Computed(Table):
    """A table whose networks are known to be right more often, the more they compute."""

    def known(self, codes: Codes) -> Known:
        """Return what the table says, and that a network computes what it costs."""
        found = super().known(codes)
        return replace(found, computation=found.costs)


def test_the_engine_expects_of_small_networks_what_computation_foretells() -> None:
    """Of the largest alone, whose accuracies hardly differ, a model could foretell anything of the smallest."""
    sizes = np.array([0, 1, 2, 3, 4, 13, 14, 15])
    costs = np.exp2(sizes, dtype=np.float64)
    accuracies = foretold(costs, 0.99, float(costs[-1]))
    choice = Choice("size", tuple(range(16)))
    settings = Settings(Goal.TARGET, start=3, pool=40, fresh=40, local=40)
    history = [Tried((size,), float(accuracies[size - 8])) for size in (13, 14, 15)]

    def off(kind: type[Table]) -> float:
        table = kind("made up", (choice,), sizes[:, None], accuracies, costs, None)
        found = pick(table, history, 0, settings)
        assert found is not None
        assert found.mean is not None
        return abs(found.mean - float(accuracies[found.codes[0]]))

    assert off(Computed) < 0.01 < off(Table)

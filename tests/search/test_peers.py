"""Every peer of the search benchmarks keeps to what it is given: so that a comparison compares what it says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from benchmarks import peer_tuners
from search.peers import AgingEvolution, Method, Optuna, RandomSearch, Ways
from search.problem import Choice
from search.tables import Table

PEERS: dict[str, Callable[[Table], Method]] = {
    "random": lambda table: RandomSearch(table, 0),
    "aging evolution": lambda table: AgingEvolution(table, 0, budgets=table.budget is None),
    "tpe": lambda table: Optuna(table, 0, "TPESampler", table.budget),
    "nsga2": lambda table: Optuna(table, 0, "NSGAIISampler", table.budget, population_size=4),
    "hyperband": lambda table: peer_tuners.hyperband(table, 0),
    "bayesian": lambda table: peer_tuners.KerasTuner(
        table, 0, "BayesianOptimizationOracle", max_trials=1000, num_initial_points=17
    ),
}


def _table(budget: float | None) -> Table:
    ways = np.array(list(product(range(3), repeat=4)))
    choices = tuple(Choice(f"choice{number}", (0, 1, 2)) for number in range(4))
    gains = np.sqrt(ways) @ np.array([1.0, 2.0, 1.5, 0.5])
    return Table("made up", choices, ways, 60 + gains, 1.0 + ways.sum(axis=1), budget=budget)


def _tried(method: Method, table: Table, evaluations: int) -> list[Ways]:
    tried = []
    for _ in range(evaluations):
        tried.append(method.ask())
        row = table.rows_of(np.array(tried[-1:]))[0]
        method.tell(tried[-1], float(table.accuracies[row]), float(table.costs[row]))
    return tried


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("budget", [None, 6.0])
def test_a_peer_asks_only_for_what_is_allowed_and_the_same_again_for_the_same_seed(
    name: str, budget: float | None
) -> None:
    table = _table(budget)
    tried = _tried(PEERS[name](table), table, 14)
    assert table.known(np.array(tried)).allowed.all()
    assert _tried(PEERS[name](table), table, 14) == tried


def test_hyperband_counts_a_network_that_is_trained_on_once() -> None:
    table = _table(None)
    tried = _tried(peer_tuners.hyperband(table, 0), table, 60)
    assert len(set(tried)) == 60

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from search.engine import Settings, pick
from search.peers import AgingEvolution, Engine, Method, RandomSearch
from search.problem import Choice, Goal, Tried
from search.tables import Table

SMALL = Settings(start=4, pool=60, fresh=60, local=60)


def _table(positions: int = 5, values: int = 3, equal: bool = False) -> Table:
    """Accuracy is made up: every step of a choice costs something and gains less and less; two choices conflict."""
    ways = np.array(list(product(range(values), repeat=positions)))
    weights = np.linspace(1, 2, positions)
    costs = 1 + (ways * weights).sum(axis=1)
    gains = (np.sqrt(ways) * weights[::-1]).sum(axis=1) - 0.8 * (ways[:, 0] == ways[:, -1])
    choices = tuple(Choice(f"choice{number}", tuple(range(values))) for number in range(positions))
    same = (lambda codes: tuple(sorted(codes[:2])) + codes[2:]) if equal else None
    return Table("made up", choices, ways, 60 + gains, costs, None, same)


def _search(table: Table, method: Method, evaluations: int) -> list[int]:
    rows = []
    for _ in range(evaluations):
        codes = method.ask()
        rows.append(int(table.rows_of(np.array([codes]))[0]))
        method.tell(codes, float(table.accuracies[rows[-1]]), float(table.costs[rows[-1]]))
    return rows


def test_every_network_is_tried_once_and_then_nothing_is_left() -> None:
    table, history = _table(3), list[Tried]()
    for _ in range(27):
        found = pick(table, history, 0, SMALL)
        assert found is not None
        row = table.rows_of(np.array([found.codes]))[0]
        history.append(Tried(found.codes, float(table.accuracies[row])))
    assert len({each.codes for each in history}) == 27
    assert pick(table, history, 0, SMALL) is None


def test_of_equal_networks_one_is_tried() -> None:
    table, history = _table(3, equal=True), list[Tried]()
    while found := pick(table, history, 0, SMALL):
        row = table.rows_of(np.array([found.codes]))[0]
        history.append(Tried(found.codes, float(table.accuracies[row])))
    assert len(history) == 6 * 3


def test_the_same_seed_and_history_give_the_same_pick_and_another_seed_another() -> None:
    table, history = (
        _table(),
        [Tried((0, 0, 0, 0, 0), 60.0), Tried((2, 2, 2, 2, 2), 68.0), Tried((1, 2, 0, 1, 2), 66.0)],
    )
    assert pick(table, history, 3, SMALL) == pick(table, list(history), 3, SMALL)
    assert len({pick(table, history, seed, SMALL) for seed in range(5)}) > 1


def test_what_is_in_work_or_failed_is_not_picked_again() -> None:
    table = _table()
    engine = Engine(table, 0, SMALL)
    _search(table, engine, 8)
    history = list(engine._history)
    for failed in (False, True, False, True, False):
        found = pick(table, history, 0, SMALL)
        assert found is not None
        assert found.codes not in {each.codes for each in history}
        history.append(Tried(found.codes, failed=failed))


def test_workers_that_ask_at_once_look_in_different_places() -> None:
    """Without the pretended outcome of the first, the second pick would be a neighbour in cost of the first."""
    table = _table(6)
    engine = Engine(table, 0, SMALL)
    _search(table, engine, 10)
    first = pick(table, engine._history, 0, SMALL)
    assert first is not None
    second = pick(table, [*engine._history, Tried(first.codes)], 0, SMALL)
    assert second is not None
    assert second.codes != first.codes
    assert second.gain is not None


def test_a_pick_of_the_single_target_ignores_cost_and_one_of_the_front_does_not() -> None:
    table = _table()
    best = {}
    for goal in Goal:
        rows = _search(table, Engine(table, 0, replace(SMALL, goal=goal)), 24)
        best[goal] = table.accuracies[rows].max(), np.median(table.costs[rows])
    assert best[Goal.TARGET][0] >= best[Goal.FRONT][0]
    assert best[Goal.TARGET][1] > best[Goal.FRONT][1]


@pytest.mark.parametrize("goal", list(Goal))
def test_the_engine_finds_the_best_network_of_a_small_table(goal: Goal) -> None:
    table = _table(4)
    rows = _search(table, Engine(table, 1, replace(SMALL, goal=goal)), 30)
    assert table.accuracies[rows].max() == pytest.approx(table.accuracies.max(), abs=0.2)


def test_the_engine_covers_more_of_a_front_than_chance_and_evolution() -> None:
    table = _table(6)
    shares = {
        name: np.mean([table.share_of_hypervolume(_search(table, make(seed), 30)) for seed in range(3)])
        for name, make in {
            "engine": lambda seed: Engine(table, seed, replace(SMALL, pool=200, fresh=200, local=200)),
            "random": lambda seed: RandomSearch(table, seed),
            "evolution": lambda seed: AgingEvolution(table, seed),
        }.items()
    }
    assert shares["engine"] > shares["random"] + 0.05
    assert shares["engine"] > shares["evolution"] + 0.05

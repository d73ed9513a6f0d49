"""Other ways to choose the next candidate, behind the interface that the engine has in benchmarks.

Optuna is asked where it is installed (group `dev`); the product does not use it.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from search.engine import Settings, pick
from search.problem import Codes, Problem, Tried

Ways = tuple[int, ...]


class Method(Protocol):
    """One way to search."""

    def ask(self) -> Ways:
        """Return the candidate to try next."""

    def tell(self, codes: Ways, value: float, cost: float) -> None:
        """Learn what came of a candidate."""


class Engine:
    """Ours."""

    def __init__(self, problem: Problem, seed: int, settings: Settings) -> None:
        self._problem, self._seed, self._settings = problem, seed, settings
        self._history: list[Tried] = []

    def ask(self) -> Ways:
        """Return the candidate to try next."""
        found = pick(self._problem, self._history, self._seed, self._settings)
        if found is None:
            raise StopIteration("nothing is left to try")
        return found.codes

    def tell(self, codes: Ways, value: float, cost: float) -> None:
        """Learn what came of a candidate."""
        self._history.append(Tried(codes, value))


class RandomSearch:
    """Candidates drawn by chance, none twice."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._random = problem, np.random.default_rng(seed)
        self._seen: set[str] = set()

    def ask(self) -> Ways:
        """Return a candidate that was not tried."""
        return new_one(self._problem, self._seen, self._random)

    def tell(self, codes: Ways, value: float, cost: float) -> None:
        """Learn nothing."""


class AgingEvolution:
    """Regularized evolution (Real et al. 2019): the best of a sample of the youngest is changed in one choice.

    So that it finds a front, each tournament has a budget: the cost of a random member; dearer ones do not take part.
    Where there is a single limit, none has.
    """

    POPULATION, SAMPLE = 20, 8

    def __init__(self, problem: Problem, seed: int, *, budgets: bool = True) -> None:
        self._problem, self._random, self._budgets = problem, np.random.default_rng(seed), budgets
        self._seen: set[str] = set()
        self._alive: deque[tuple[Ways, float, float]] = deque(maxlen=self.POPULATION)

    def ask(self) -> Ways:
        """Return a change of a parent, or a random candidate while the population grows."""
        if len(self._alive) < self.POPULATION:
            return new_one(self._problem, self._seen, self._random)
        for _ in range(100):
            child = self._child()
            known = self._problem.known(np.array([child]))
            if known.allowed[0] and known.keys[0] not in self._seen:
                self._seen.add(known.keys[0])
                return child
        return new_one(self._problem, self._seen, self._random)

    def _child(self) -> Ways:
        sample = [self._alive[place] for place in self._random.permutation(len(self._alive))[: self.SAMPLE]]
        budget = sample[0][2] if self._budgets else np.inf
        parent = max((each for each in sample if each[2] <= budget), key=lambda each: each[1])
        codes = list(parent[0])
        position = int(self._random.integers(len(codes)))
        others = [value for value in range(len(self._problem.choices[position].values)) if value != codes[position]]
        codes[position] = int(self._random.choice(others)) if others else codes[position]
        return tuple(codes)

    def tell(self, codes: Ways, value: float, cost: float) -> None:
        """Let the candidate live, and the oldest die."""
        self._alive.append((codes, value, cost))


class Optuna:
    """A sampler of Optuna; every choice is a category, as a table gives it.

    It is told both value and cost. Where there is a single limit it is told the value, and by how much the cost exceeds
    the limit: Optuna's constraint. What may not be tried costs nothing and is told as the worst value so far.
    """

    def __init__(self, problem: Problem, seed: int, sampler: str, limit: float | None = None, **options: Any) -> None:
        import optuna
        from optuna.study import StudyDirection

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self._problem, self._limit = problem, limit
        made = getattr(optuna.samplers, sampler)(seed=seed, **options)
        up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
        self._study = optuna.create_study(directions=[up, down] if limit is None else [up], sampler=made)
        self._trial: Any = None
        self._worst = np.inf

    def ask(self) -> Ways:
        """Return the candidate to try next."""
        while True:
            self._trial = self._study.ask()
            codes = tuple(
                self._trial.suggest_categorical(f"{number}", list(range(len(choice.values))))
                for number, choice in enumerate(self._problem.choices)
            )
            known = self._problem.known(np.array([codes]))
            if self._limit is not None:
                self._trial.set_constraint("cost", float(known.costs[0] / self._limit - 1))
            if known.allowed[0]:
                return codes
            if self._limit is not None and np.isfinite(self._worst):
                self._study.tell(self._trial, float(self._worst))
            else:
                self._study.tell(self._trial, state=self._failed())

    @staticmethod
    def _failed() -> Any:
        import optuna

        return optuna.trial.TrialState.FAIL

    def tell(self, codes: Ways, value: float, cost: float) -> None:
        """Tell Optuna."""
        self._worst = min(self._worst, value)
        self._study.tell(self._trial, [value] if self._limit is not None else [value, cost])


def new_one(problem: Problem, seen: set[str], random: np.random.Generator) -> Ways:
    """Return a random candidate that was not seen, and remember it."""
    while True:
        codes: Codes = problem.sample(random, 16)
        known = problem.known(codes)
        fresh: Sequence[int] = [
            place for place, key in enumerate(known.keys) if known.allowed[place] and key not in seen
        ]
        if fresh:
            seen.add(known.keys[fresh[0]])
            return tuple(codes[fresh[0]].tolist())

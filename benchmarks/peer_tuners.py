"""keras-tuner's own searches, behind the interface that the engine has in benchmarks.

They stand here, not in `search.peers`: of the product only `search.tuner` may know keras-tuner; it holds our Oracle.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
import weakref
from typing import Any

import keras_tuner
import numpy as np

from search.peers import Ways
from search.problem import Problem

_OBJECTIVE = "accuracy"
_SEEDS_APART = 10**6
"""keras-tuner counts its seed up with every value it draws, so neighbouring seeds draw the same; 0 counts as none."""


class KerasTuner:
    """An Oracle of keras-tuner that is told the accuracy alone: it has no Pareto mode, and no limits.

    What may not be tried costs nothing and is told as the worst accuracy so far. A network that comes a second time
    for more epochs (Hyperband) costs nothing either: a table knows no shorter trainings, so it gains nothing by it.
    """

    def __init__(self, problem: Problem, seed: int, oracle: str, **options: Any) -> None:
        vocabulary = keras_tuner.HyperParameters()
        for number, choice in enumerate(problem.choices):
            vocabulary.Choice(f"{number:03}", list(range(len(choice.values))))
        self._problem, self._names = problem, list(vocabulary.values)
        self._oracle = getattr(keras_tuner.oracles, oracle)(
            objective=keras_tuner.Objective(_OBJECTIVE, "max"),
            hyperparameters=vocabulary,
            seed=1 + _SEEDS_APART * seed,
            max_consecutive_failed_trials=10**9,  # before the first allowed one, all that is not allowed has failed
            **options,
        )
        self._oracle.verbose = 0
        folder = tempfile.mkdtemp(prefix="keras-tuner-")
        weakref.finalize(self, shutil.rmtree, folder)
        self._oracle._set_project_dir(folder, "table")
        self._trial: Any = None
        self._values: dict[Ways, float] = {}

    def ask(self) -> Ways:
        """Return the candidate to try next."""
        while True:
            with warnings.catch_warnings(action="ignore"):  # its Gaussian process has scales at their bounds
                self._trial = self._oracle.create_trial("one")
            if self._trial.status != "RUNNING":
                raise StopIteration("keras-tuner has nothing left to try")
            codes = tuple(int(self._trial.hyperparameters.values[name]) for name in self._names)
            if "tuner/trial_id" in self._trial.hyperparameters.values:
                self._end(self._values[codes])
            elif self._problem.known(np.array([codes])).allowed[0]:
                return codes
            else:
                self._values[codes] = min(self._values.values(), default=float("nan"))
                self._end(self._values[codes])

    def tell(self, codes: Ways, value: float, cost: float) -> None:
        """Tell keras-tuner the accuracy."""
        self._values[codes] = value
        self._end(value)

    def _end(self, value: float) -> None:
        if np.isnan(value):
            self._trial.status = "INVALID"
        else:
            self._oracle.update_trial(self._trial.trial_id, {_OBJECTIVE: value})
            self._trial.status = "COMPLETED"
        self._oracle.end_trial(self._trial)


def bayesian(problem: Problem, seed: int) -> KerasTuner:
    """Return keras-tuner's BayesianOptimization as it comes."""
    return KerasTuner(problem, seed, "BayesianOptimizationOracle", max_trials=10**6)


def hyperband(problem: Problem, seed: int) -> KerasTuner:
    """Return keras-tuner's Hyperband as it comes, beginning anew as often as there is time."""
    return KerasTuner(problem, seed, "HyperbandOracle", hyperband_iterations=None)

"""What the tried candidates tell about the others: three models, each heard as far as it foretold what came out."""

from __future__ import annotations

from copy import copy
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.tree import ExtraTreeRegressor

from search.encoding import Encoded, joined
from search.gaussian import GaussianProcess
from search.problem import Floats

_TREES = 60
_PENALTIES = (1.0, 10.0, 100.0)
_SHARPNESS = 4
"""Power of the error by which models are weighted."""


class Model(Protocol):
    """One model of the values, which have mean 0 and deviation 1."""

    def left_out(self) -> Floats:
        """Return the error at each point had it not been known."""

    def predict(self, points: Encoded) -> tuple[Floats, Floats]:
        """Return mean and deviation at each point."""


class Ridge:
    """A linear model; its penalty is the one that foretells left-out points best."""

    def __init__(self, points: Encoded, values: Floats) -> None:
        matrix = points.matrix
        self._mean, self._spread = matrix.mean(axis=0), matrix.std(axis=0) + 1e-9
        scaled = (matrix - self._mean) / self._spread
        fits = [self._fit(scaled, values, penalty) for penalty in _PENALTIES]
        self._errors, weights = min(fits, key=lambda fit: float((fit[0] ** 2).mean()))
        self._slopes = scaled.T @ weights

    @staticmethod
    def _fit(scaled: Floats, values: Floats, penalty: float) -> tuple[Floats, Floats]:
        inverse = np.linalg.inv(scaled @ scaled.T + 1.0 + penalty * np.eye(len(values)))
        weights = inverse @ values
        return weights / np.diag(inverse), weights

    def left_out(self) -> Floats:
        """Return the error at each point had it not been known."""
        return self._errors

    def predict(self, points: Encoded) -> tuple[Floats, Floats]:
        """Return mean and deviation at each point."""
        mean = ((points.matrix - self._mean) / self._spread) @ self._slopes
        return mean, np.full(len(mean), float((self._errors**2).mean() ** 0.5))


class Trees:
    """Extremely randomized trees; their disagreement is the deviation.

    scikit-learn's forest grows the same ones, and spends as long again on checking and copying its parameters.
    """

    def __init__(self, points: Encoded, values: Floats, seed: int) -> None:
        matrix, self._values = points.matrix.astype(np.float32), values
        seeds = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=_TREES)
        draws = [np.random.RandomState(each).randint(len(values), size=len(values)) for each in seeds]
        self._times_drawn = np.stack([np.bincount(drawn, minlength=len(values)) for drawn in draws])
        with config_context(skip_parameter_validation=True, assume_finite=True):
            trees = [
                ExtraTreeRegressor(min_samples_leaf=2, max_features=0.5, random_state=each).fit(
                    matrix, values[:, None], sample_weight=times.astype(np.float64), check_input=False
                )
                for each, times in zip(seeds, self._times_drawn, strict=True)
            ]
        self._trees = [tree.tree_ for tree in trees]
        self._own = self._guesses(matrix)

    def _guesses(self, matrix: NDArray[np.float32]) -> Floats:
        """Return what each tree says; shape (trees, points)."""
        return np.stack([tree.predict(matrix)[:, 0] for tree in self._trees])

    def left_out(self) -> Floats:
        """Return the error at each point had it not been known: by the trees that it was not drawn for."""
        without = self._times_drawn == 0
        return np.asarray((self._own * without).sum(axis=0) / np.maximum(without.sum(axis=0), 1) - self._values)

    def predict(self, points: Encoded) -> tuple[Floats, Floats]:
        """Return mean and deviation at each point."""
        matrix = np.ascontiguousarray(points.matrix, dtype=np.float32)
        guesses = self._guesses(matrix)
        return guesses.mean(axis=0), guesses.std(axis=0)


class Surrogate:
    """The models together."""

    def __init__(self, points: Encoded, values: Floats, seed: int, *, mixture: bool = True) -> None:
        self._mean, self._spread = float(values.mean()), float(values.std()) + 1e-9
        self._points, self._values, self._seed, self._mixture = points, values, seed, mixture
        self._learn((values - self._mean) / self._spread, None)

    def _learn(self, scaled: Floats, scales: Floats | None) -> None:
        process = GaussianProcess(self._points, scaled, scales)
        self._scales = process.scales
        self._models: list[Model] = [process]
        if self._mixture:
            self._models += [Trees(self._points, scaled, self._seed), Ridge(self._points, scaled)]
        if scales is None:
            errors = np.array([float((model.left_out() ** 2).mean()) for model in self._models]) + 1e-9
            weights = (errors.min() / errors) ** _SHARPNESS
            self._weights = weights / weights.sum()

    def believing(self, points: Encoded) -> Surrogate:
        """Return the surrogate that pretends that these candidates came out as predicted (constant liar)."""
        liar = copy(self)
        liar._values = np.concatenate([self._values, self.predict(points)[0]])
        liar._points = joined(self._points, points)
        liar._learn((liar._values - self._mean) / self._spread, self._scales)
        return liar

    def predict(self, points: Encoded) -> tuple[Floats, Floats]:
        """Return mean and deviation of the value of each candidate."""
        found = [model.predict(points) for model in self._models]
        means, deviations = np.stack([mean for mean, _ in found]), np.stack([deviation for _, deviation in found])
        mean = self._weights @ means
        variance = self._weights @ (deviations**2 + (means - mean) ** 2)
        return mean * self._spread + self._mean, np.sqrt(variance) * self._spread

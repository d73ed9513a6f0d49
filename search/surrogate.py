"""What the tried networks tell about those not tried: a small Gaussian process. Pure."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NOISE = 0.15
"""Standard deviation of an accuracy from one training to the next, in standard deviations of all accuracies."""


class Surrogate:
    """A Gaussian process over scaled features."""

    def __init__(self, points: Floats, values: Floats) -> None:
        self._points = points
        self._mean, self._spread = float(values.mean()), float(values.std()) + 1e-3
        self._values = (values - self._mean) / self._spread
        self._reach = float(points.shape[1]) ** 0.5
        kernel = self._kernel(points, points) + _NOISE**2 * np.eye(len(points))
        self._inverse = np.linalg.inv(kernel)

    def with_pending(self, points: Floats) -> Surrogate:
        """Return the surrogate that pretends that these networks came out as predicted (constant liar)."""
        if not len(points):
            return self
        guesses, _ = self.predict(points)
        values = np.concatenate([self._values * self._spread + self._mean, guesses])
        return Surrogate(np.concatenate([self._points, points]), values)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the value at each point."""
        cross = self._kernel(points, self._points)
        mean = cross @ self._inverse @ self._values
        variance = 1.0 - np.einsum("ij,jk,ik->i", cross, self._inverse, cross)
        return mean * self._spread + self._mean, np.sqrt(np.maximum(variance, 1e-6)) * self._spread

    def _kernel(self, left: Floats, right: Floats) -> Floats:
        squared = ((left[:, None] - right[None]) ** 2).sum(axis=-1)
        return np.asarray(np.exp(-0.5 * squared / self._reach**2))


def expected_improvement(mean: Floats, deviation: Floats, *, best: float) -> Floats:
    """Return by how much each point is expected to exceed the best value, counting no loss where it does not."""
    distance = (mean - best) / deviation
    density = np.exp(-0.5 * distance**2) / (2 * pi) ** 0.5
    return np.asarray((mean - best) * _normal_cdf(distance) + deviation * density)


def _normal_cdf(values: Floats) -> Floats:
    """Return the share of a normal distribution below each value, to 1e-7.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17.
    """
    factors = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
    part = 1.0 / (1.0 + 0.2316419 * np.abs(values))
    tail = np.exp(-0.5 * values**2) / (2 * pi) ** 0.5 * sum(f * part**n for n, f in enumerate(factors, 1))
    return np.asarray(np.where(values > 0, 1.0 - tail, tail))

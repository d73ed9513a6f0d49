"""A Gaussian process over encoded candidates; its scales are fitted to what was tried. Pure."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from search.encoding import Encoded
from search.problem import Floats

_SHARES = {"ordered": 0.5, "chip": 0.5, "different": 0.3, "distant": 0.3, "near_chip": 0.5, "counts": 0.3}
"""Prior share of each part of the kernel in the variance of the values; the first two are linear."""
_REACHES = {"different": 3.0, "distant": 1.0, "near_chip": 2.0, "counts": 0.3}
"""Prior distance over which each of the other parts forgets."""
_NOISE = 0.05
"""Prior variance of a value from one training to the next."""
_DOUBT = 1.0
"""Standard deviation of every logarithm of the above, before anything was tried."""
_FARTHEST = 4.0
"""No logarithm moves farther than this: with nearly no noise, equal candidates would leave no solution."""
_STEPS = 25
_JITTER = 1e-6

_START = np.log([*_SHARES.values(), *_REACHES.values(), _NOISE])


class GaussianProcess:
    """Mean and deviation for candidates, given values of mean 0 and deviation 1.

    Its kernel adds up: a line over each choice and over the costs, and nearness in four senses: how many choices
    differ, how far apart they are, how alike the costs are, and how alike the mixture of values is.
    """

    def __init__(self, points: Encoded, values: Floats, scales: Floats | None = None) -> None:
        self._points = points
        parts = _Parts(points, points)
        self.scales = _fitted(parts, values) if scales is None else scales
        noise = np.exp(self.scales[-1]) + _JITTER
        self._inverse = np.linalg.inv(sum(parts.scaled(self.scales).values()) + noise * np.eye(len(values)))
        self._weights = self._inverse @ values

    def left_out(self) -> Floats:
        """Return the error at each point had it not been known."""
        return np.asarray(self._weights / np.diag(self._inverse))

    def predict(self, points: Encoded) -> tuple[Floats, Floats]:
        """Return mean and deviation of the value, without the noise of a single training."""
        cross = np.asarray(sum(_Parts(points, self._points).scaled(self.scales).values()))
        own = _own_variance(points, self.scales)
        variance = own - np.einsum("ij,ij->i", cross @ self._inverse, cross)
        return cross @ self._weights, np.sqrt(np.maximum(variance, _JITTER))


class _Parts:
    """Products and distances of two sets of candidates, from which every kernel is mixed."""

    def __init__(self, left: Encoded, right: Encoded) -> None:
        self._products = {
            "ordered": _centred(left) @ _centred(right).T,
            "chip": left.chip @ right.chip.T / max(1, left.chip.shape[1]),
        }
        self.distances = {
            "different": left.ordered.shape[1] - left.one_hot @ right.one_hot.T,
            "distant": cdist(left.ordered, right.ordered, "cityblock"),
            "near_chip": _squared(left.chip, right.chip) / 2,
            "counts": _squared(left.counts, right.counts),
        }

    def scaled(self, scales: Floats) -> dict[str, Floats]:
        """Return the parts of the kernel, whose sum it is."""
        reaches = dict(zip(_REACHES, np.exp(scales[len(_SHARES) : -1]), strict=True))
        near = {name: np.exp(-distance / reaches[name]) for name, distance in self.distances.items()}
        parts = {**self._products, **near}
        return {name: share * parts[name] for name, share in zip(_SHARES, np.exp(scales), strict=False)}


def _centred(points: Encoded) -> Floats:
    """Return the ordered view with a mean square of about 1 over a whole row."""
    return (2 * points.ordered - 1) / points.ordered.shape[1] ** 0.5


def _squared(left: Floats, right: Floats) -> Floats:
    if not left.shape[1]:
        return np.zeros((len(left), len(right)))
    return np.asarray(cdist(left, right, "sqeuclidean"))


def _own_variance(points: Encoded, scales: Floats) -> Floats:
    shares = dict(zip(_SHARES, np.exp(scales), strict=False))
    lines = shares.pop("ordered") * (_centred(points) ** 2).sum(axis=1)
    lines += shares.pop("chip") * (points.chip**2).sum(axis=1) / max(1, points.chip.shape[1])
    return np.asarray(lines + sum(shares.values()))


def _fitted(parts: _Parts, values: Floats) -> Floats:
    """Return the most likely logarithms of all scales."""
    bounds = [(start - _FARTHEST, start + _FARTHEST) for start in _START]
    try:
        found = minimize(_loss, _START, (parts, values), "L-BFGS-B", True, bounds=bounds, options={"maxiter": _STEPS})
    except np.linalg.LinAlgError:  # candidates too alike for some scales on the way: those of before stay
        return _START
    return np.asarray(found.x)


def _loss(scales: Floats, parts: _Parts, values: Floats) -> tuple[float, Floats]:
    """Return how unlikely the scales are, and its slope."""
    each, noise = parts.scaled(scales), np.exp(scales[-1])
    identity = np.eye(len(values))
    factor = cho_factor(sum(each.values()) + (noise + _JITTER) * identity, lower=True, check_finite=False)
    inverse = cho_solve(factor, identity, check_finite=False)
    weights = inverse @ values
    slope = 0.5 * (inverse - np.outer(weights, weights))
    reaches = zip(_REACHES, np.exp(scales[len(_SHARES) : -1]), strict=True)
    shifts = [(slope * each[name] * parts.distances[name]).sum() / reach for name, reach in reaches]
    gradient = np.array([*((slope * part).sum() for part in each.values()), *shifts, np.trace(slope) * noise])
    away = (scales - _START) / _DOUBT
    unlikely = 0.5 * values @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * away @ away
    return float(unlikely), gradient + away / _DOUBT

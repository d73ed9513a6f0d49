"""Which candidate to try next: a pure function of the problem, what was tried, and the seed.

First candidates from every range of cost; then the one that is expected to improve most on what was found. Candidates
in work count as if they came out as predicted, so that two workers never try the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from search.acquisition import Steps, expected_area, expected_improvement
from search.candidates import Candidates, Pool, candidates_for, pool_of
from search.encoding import Encoded, Encoder
from search.problem import Codes, Floats, Goal, Known, Problem, Tried
from search.scaling import foretold
from search.surrogate import Surrogate


@dataclass(frozen=True, slots=True)
class Settings:
    """How the engine goes about it; the benchmark's ablations switch parts off."""

    goal: Goal = Goal.FRONT
    start: int = 8
    """Candidates that spread over all costs before anything is expected of others."""
    pool: int = 1500
    """Random candidates that stay the same during a search, and set its scales."""
    fresh: int = 1500
    """Further random candidates for each proposal."""
    local: int = 1500
    """Most candidates near the best ones for each proposal."""
    features: bool = True
    """Whether the surrogate sees costs and the problem's features."""
    mixture: bool = True
    """Whether trees and a linear model are heard beside the Gaussian process."""
    known_cost: bool = True
    """Whether a candidate's cost counts before it is tried."""
    most: float | None = None
    """The largest value that there is, beyond which nothing is told as gain; None where there is none."""


_USUAL = Settings()


@dataclass(frozen=True, slots=True)
class Pick:
    """The candidate to try next, and what is thought of it."""

    codes: tuple[int, ...]
    spread: bool
    """Whether it was chosen to learn about the space, before anything was expected of it."""
    cost: float
    mean: float | None = None
    """Of its value, as predicted; None while too little is known."""
    deviation: float | None = None
    gain: float | None = None
    """By how much its value is expected to exceed the best at its cost (front) or of all (target)."""


def pick(
    problem: Problem,
    history: Sequence[Tried],
    seed: int,
    settings: Settings = _USUAL,
    *,
    taken: Collection[str] = (),
) -> Pick | None:
    """Return the candidate to try next; None if no new one is allowed.

    Args:
        problem: what can be chosen, and what is known of it.
        history: every candidate so far, also those in work or failed.
        seed: equal seeds and histories give equal picks.
        settings: how to go about it.
        taken: keys of networks that are known beside the history, and not to be tried.
    """
    random = np.random.default_rng((seed, len(history)))
    pool = pool_of(problem, seed, settings.pool)
    tried = np.array([each.codes for each in history], dtype=np.int64).reshape(len(history), len(problem.choices))
    seen = {*taken, *problem.known(tried).keys}
    valued = [each.value for each in history if each.value is not None]
    if len(history) < settings.start or len(valued) < 2:
        return _spread(pool, seen, tried, seed=seed, start=settings.start)
    best = _Knowledge(problem, history, pool, settings, int(random.integers(2**31)))
    found = candidates_for(pool, seen, tried, best.leaders, random=random, fresh=settings.fresh, local=settings.local)
    return best.choose(found) if len(found.codes) else None


def _spread(pool: Pool, seen: set[str], tried: Codes, *, seed: int, start: int) -> Pick | None:
    """Return a new candidate from the range of costs whose turn it is, or any where that range has none."""
    found = pool.unseen(seen, tried)
    if not len(found.codes):
        return None
    turns = np.random.default_rng((seed, 1)).permutation(max(1, start))
    borders = np.quantile(pool.known.costs, np.linspace(0, 1, len(turns) + 1))
    turn = turns[len(tried) % len(turns)]
    middle = (borders[turn] + borders[turn + 1]) / 2
    chosen = int(np.argmin(np.abs(found.known.costs - middle)))
    inside = np.flatnonzero((found.known.costs >= borders[turn]) & (found.known.costs <= borders[turn + 1]))
    if len(inside):
        chosen = int(np.random.default_rng((seed, 2, len(tried))).choice(inside))
    return Pick(tuple(found.codes[chosen].tolist()), spread=True, cost=float(found.known.costs[chosen]))


class _Knowledge:
    """What was found so far, and what it tells about the rest."""

    def __init__(self, problem: Problem, history: Sequence[Tried], pool: Pool, settings: Settings, seed: int) -> None:
        self._pool, self._settings = pool, settings
        self._encoder = Encoder(problem.choices, pool.codes, pool.known, chip=settings.features)
        useful = [each for each in history if not each.failed]
        self._codes = np.array([each.codes for each in useful], dtype=np.int64)
        known = problem.known(self._codes)
        self._costs = known.costs
        points = self._encoder.encode(self._codes, known)
        done = np.array([not each.pending for each in useful])
        values = np.array([np.nan if each.value is None else each.value for each in useful])
        best = int(np.nanargmax(values))
        self._typical = partial(_typical, known.rows(np.array([best])), float(values[best]))
        typical = self._typical(known)
        self._surrogate = _learned(points, values - typical, done, settings, seed)
        self._values, self._counts = values, np.array([each.counts for each in useful])
        if not done.all():
            waiting = points.rows(~done)
            self._values[~done] = self._surrogate.predict(waiting)[0] + typical[~done]
            self._surrogate = self._surrogate.believing(waiting)
        self._limit = problem.cost_limit or float(pool.known.costs.max()) * 1.001

    @property
    def leaders(self) -> Codes:
        """Those tried that are best so far: on the front, or of all."""
        if self._settings.goal == Goal.FRONT:
            return self._codes[self._steps(-np.inf).positions]
        return self._codes[np.argsort(-self._counting, kind="stable")[:3]]

    @property
    def _counting(self) -> Floats:
        """The values; of what turned out to break a limit, the worst of all."""
        return np.where(self._counts, self._values, self._values.min())

    def _steps(self, worst_value: float) -> Steps:
        values = np.where(self._counts, self._values, -np.inf)
        return Steps(values, self._costs, worst_value=worst_value, worst_cost=self._limit)

    def choose(self, found: Candidates) -> Pick:
        """Return the candidate of which most is expected."""
        mean, deviation = self._foretold(found.codes, found.known)
        gains, promise = self._promise(mean, deviation, found.known.costs)
        best = int(np.argmax(promise))
        likely, gain = float(mean[best]), float(gains[best])
        if (most := self._settings.most) is not None:
            gain = max(0.0, gain - float(expected_improvement(mean, deviation, most)[best]))
            likely = min(likely, most)
        return Pick(
            tuple(found.codes[best].tolist()),
            spread=False,
            cost=float(found.known.costs[best]),
            mean=likely,
            deviation=float(deviation[best]),
            gain=gain,
        )

    def _foretold(self, codes: Codes, known: Known) -> tuple[Floats, Floats]:
        """Return mean and deviation of the value of each candidate."""
        mean, deviation = self._surrogate.predict(self._encoder.encode(codes, known))
        return mean + self._typical(known), deviation

    def _promise(self, mean: Floats, deviation: Floats, costs: Floats) -> tuple[Floats, Floats]:
        """Return the expected gain in value of each candidate, and what candidates are compared by."""
        best = float(self._counting.max())
        if self._settings.goal == Goal.TARGET or not self._settings.known_cost:
            gains = expected_improvement(mean, deviation, best)
            return gains, gains
        pool, _ = self._foretold(self._pool.codes, self._pool.known)
        steps = self._steps(float(np.median(pool)))
        gains = expected_improvement(mean, deviation, steps.at(costs))
        return gains, expected_area(mean, deviation, costs, steps)


def _typical(best: Known, value: float, known: Known) -> Floats:
    """Return what computation alone foretells of candidates; 0 where that is unknown. The surrogate learns the rest."""
    if known.computation is None or best.computation is None:
        return np.zeros(len(known.costs))
    return foretold(known.computation, value, float(best.computation[0]))


def _learned(points: Encoded, values: Floats, done: NDArray[np.bool_], settings: Settings, seed: int) -> Surrogate:
    return Surrogate(points.rows(done), _without_outliers(values[done]), seed, mixture=settings.mixture)


def _without_outliers(values: Floats) -> Floats:
    """Return the values, the worst lifted: how bad a bad network is says little about good ones."""
    middle, high = np.quantile(values, [0.5, 0.9])
    return np.maximum(values, middle - 3 * (high - middle + 1e-9))

"""What is considered for a proposal: random candidates, and those near the best ones. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from search.problem import Codes, Known, Problem, crossed, neighbours

_SHARE_CROSSED = 0.15
"""Share of the candidates near the best ones that have two of them as parents; the rest differ in one choice."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Some candidates, with what is known of them."""

    codes: Codes
    known: Known

    def where(self, kept: list[int]) -> Candidates:
        """Return those at the given positions."""
        return Candidates(self.codes[kept], self.known.rows(np.array(kept, dtype=np.int64)))


def allowed(problem: Problem, codes: Codes, seen: set[str]) -> Candidates:
    """Return those that may be tried, each network once, without those already seen."""
    codes = distinct(problem.canonical(codes))
    known = problem.known(codes)
    first: dict[str, int] = {}
    for position, key in enumerate(known.keys):
        if known.allowed[position] and key not in seen:
            first.setdefault(key, position)
    return Candidates(codes, known).where(list(first.values()))


def distinct(codes: Codes) -> Codes:
    """Return each row once, in order: as np.unique by rows, which takes ten times as long to compare them."""
    rows = np.ascontiguousarray(codes, dtype=">u2")
    _, first = np.unique(rows.view(f"S{rows.shape[1] * rows.itemsize}"), return_index=True)
    return codes[first]


class Pool:
    """Random candidates that stay the same during a search."""

    def __init__(self, problem: Problem, seed: int, count: int) -> None:
        self.problem = problem
        codes = problem.sample(np.random.default_rng(seed), count)
        found = allowed(problem, codes, set())
        if not len(found.codes):
            found = allowed(problem, problem.anchors(), set())
        self.codes, self.known = found.codes, found.known

    def unseen(self, seen: set[str], tried: Codes) -> Candidates:
        """Return what of the pool was not tried; where that is nothing, what lies near the pool and near the tried."""
        found = allowed(self.problem, self.codes, seen)
        return found if len(found.codes) else nearby(self, seen, tried)


@lru_cache(maxsize=8)
def pool_of(problem: Problem, seed: int, count: int) -> Pool:
    """Return the pool of a search; it is remembered, because its estimates take longer than all else."""
    return Pool(problem, seed, count)


def candidates_for(
    pool: Pool, seen: set[str], tried: Codes, leaders: Codes, *, random: np.random.Generator, fresh: int, local: int
) -> Candidates:
    """Return new candidates: the pool, random ones, those near the leaders; or else whatever is near anything."""
    problem = pool.problem
    near = distinct(problem.canonical(neighbours(problem.choices, leaders)))
    mixed = crossed(leaders, random, round(local * _SHARE_CROSSED))
    room = local - len(mixed)
    if len(near) > room:
        near = near[np.sort(random.permutation(len(near))[:room])]
    local_codes = problem.varied(np.concatenate([near, mixed]), random)
    codes = np.concatenate([pool.codes, problem.sample(random, fresh), local_codes])
    found = allowed(problem, codes, seen)
    return found if len(found.codes) else nearby(pool, seen, tried)


def nearby(pool: Pool, seen: set[str], tried: Codes) -> Candidates:
    """Return new candidates that differ in one or two choices from one that is allowed."""
    problem = pool.problem
    known = np.concatenate([problem.anchors(), pool.codes, tried])
    near = allowed(problem, np.concatenate([known, neighbours(problem.choices, known)]), set())
    new = [position for position, key in enumerate(near.known.keys) if key not in seen]
    return near.where(new) if new else allowed(problem, neighbours(problem.choices, near.codes), seen)

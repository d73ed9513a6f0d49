"""What the engine is asked: choices, what is known of a candidate before it is tried, and what was tried. Pure.

A table of published networks is one such problem, the spaces of our families are another; the engine knows neither.
A candidate is a row of codes: for each choice, the position of the chosen value among its values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
"""Candidates, one a row: shape (candidates, choices)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be chosen."""

    name: str
    values: tuple[int | float | str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of candidates without trying them, one row each."""

    keys: tuple[str, ...]
    """Equal for candidates that mean the same network."""
    costs: Floats
    """What should be low, above 0: latency, computation."""
    features: Floats
    """Further numbers that may tell what a candidate can learn; shape (candidates, features)."""
    allowed: NDArray[np.bool_]
    """Whether each may be tried: it exists and holds every limit."""
    computation: Floats | None = None
    """Multiply-accumulates, where errors are known to fall with them (`search.scaling`)."""

    def rows(self, positions: NDArray[np.int64]) -> Known:
        """Return what is known of some of the candidates."""
        keys = tuple(self.keys[position] for position in positions)
        computation = None if self.computation is None else self.computation[positions]
        return Known(keys, self.costs[positions], self.features[positions], self.allowed[positions], computation)


class Goal(StrEnum):
    """What the engine looks for."""

    FRONT = "front"
    """The candidates that no other beats in both value and cost."""
    TARGET = "target"
    """The best value, whatever the cost: limits are held by `Known.allowed`."""


class Problem(Protocol):
    """What can be chosen, and what is known of it."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Every choice, in the order of the codes."""

    @property
    def cost_limit(self) -> float | None:
        """The cost above which nothing counts; None where that is the largest of those allowed."""

    def __hash__(self) -> int:
        """Return the same for the same problem: what is known of it is remembered."""

    def canonical(self, codes: Codes) -> Codes:
        """Return the codes with those parts set to 0 that mean nothing beside the others."""

    def known(self, codes: Codes) -> Known:
        """Return what is known of candidates; quick."""

    def sample(self, random: np.random.Generator, count: int) -> Codes:
        """Return about `count` random candidates, most of them allowed."""

    def varied(self, codes: Codes, random: np.random.Generator) -> Codes:
        """Return the candidates, in some of them changed what leaves their network as it is."""

    def anchors(self) -> Codes:
        """Return a few candidates that are allowed if any is, however few are."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One candidate that was tried, or is being tried."""

    codes: tuple[int, ...]
    value: float | None = None
    """What came out, larger is better; None if nothing came out yet or it failed."""
    failed: bool = False
    counts: bool = True
    """Whether it may be the best; not if it turned out to break a limit. Its value teaches all the same."""

    @property
    def pending(self) -> bool:
        """Whether its value is still to come."""
        return self.value is None and not self.failed


def uniform(choices: Sequence[Choice], random: np.random.Generator, count: int) -> Codes:
    """Return candidates whose values were drawn independently, each as likely as the others."""
    columns = [random.integers(len(choice.values), size=count) for choice in choices]
    return np.stack(columns, axis=1).astype(np.int64)


def neighbours(choices: Sequence[Choice], codes: Codes) -> Codes:
    """Return everything that differs in one choice from one of the candidates."""
    blocks = [np.empty((0, len(choices)), dtype=np.int64)]
    for position, choice in enumerate(choices):
        for value in range(len(choice.values)):
            changed = codes[codes[:, position] != value].copy()
            changed[:, position] = value
            blocks.append(changed)
    return np.concatenate(blocks)


def crossed(codes: Codes, random: np.random.Generator, count: int) -> Codes:
    """Return candidates that take each value from one of two random parents among the given ones."""
    if len(codes) < 2:
        return codes[:0]
    mothers, fathers = codes[random.integers(len(codes), size=(2, count))]
    return np.where(random.random(mothers.shape) < 0.5, mothers, fathers)

"""Candidates as numbers that a surrogate can compare: one-hot, ordered, counted, and what the chip says. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from search.problem import Choice, Codes, Floats, Known


@dataclass(frozen=True, slots=True)
class Encoded:
    """Candidates in four views, one row each."""

    one_hot: Floats
    """Which value each choice has."""
    ordered: Floats
    """Where each value stands among those of its choice, 0 to 1, ordered by what they cost."""
    counts: Floats
    """How often each value is chosen, among choices with the same values."""
    chip: Floats
    """Logarithm of the cost, and the problem's features, of mean 0 and deviation 1."""

    @property
    def matrix(self) -> Floats:
        """All views side by side."""
        return np.concatenate([self.one_hot, self.ordered, self.counts, self.chip], axis=1)

    def rows(self, positions: NDArray[np.bool_]) -> Encoded:
        """Return some of the candidates."""
        return Encoded(*(getattr(self, each.name)[positions] for each in fields(self)))


def joined(first: Encoded, second: Encoded) -> Encoded:
    """Return the candidates of both."""
    views = [(getattr(first, each.name), getattr(second, each.name)) for each in fields(Encoded)]
    return Encoded(*(np.concatenate(pair) for pair in views))


class Encoder:
    """Knows the scales of a problem, from a sample of its candidates."""

    def __init__(self, choices: tuple[Choice, ...], codes: Codes, known: Known, *, chip: bool = True) -> None:
        self._sizes = [len(choice.values) for choice in choices]
        self._groups = _groups(choices)
        self._chip = chip
        numbers = _numbers(known)
        self._mean, self._spread = numbers.mean(axis=0), numbers.std(axis=0) + 1e-9
        self._places = [
            _places(codes[:, position], np.log(known.costs), size) for position, size in enumerate(self._sizes)
        ]

    def encode(self, codes: Codes, known: Known) -> Encoded:
        """Return the candidates in every view."""
        one_hot = [np.eye(size)[codes[:, position]] for position, size in enumerate(self._sizes)]
        ordered = [places[codes[:, position]] for position, places in enumerate(self._places)]
        counts = [sum(one_hot[position] for position in group) / len(group) for group in self._groups]
        chip = np.clip((_numbers(known) - self._mean) / self._spread, -6, 6)
        none = np.empty((len(codes), 0))
        return Encoded(
            np.concatenate(one_hot, axis=1),
            np.stack(ordered, axis=1),
            np.concatenate([none, *counts], axis=1),
            chip if self._chip else none,
        )


def _groups(choices: tuple[Choice, ...]) -> list[list[int]]:
    """Return the positions of choices that share their values, where at least two do."""
    found: dict[tuple[int | float | str, ...], list[int]] = {}
    for position, choice in enumerate(choices):
        found.setdefault(choice.values, []).append(position)
    return [group for group in found.values() if len(group) > 1]


def _places(column: Codes, log_costs: Floats, size: int) -> Floats:
    """Return where each value stands, 0 to 1, when values are ordered by the mean cost of candidates that have it."""
    means = np.array(
        [log_costs[column == value].mean() if (column == value).any() else np.inf for value in range(size)]
    )
    order = np.argsort(means, kind="stable")
    places = np.empty(size)
    places[order] = np.arange(size) / max(1, size - 1)
    return places


def _numbers(known: Known) -> Floats:
    return np.column_stack([np.log(known.costs), known.features])

"""The spaces of one or several families as one problem for the engine. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from models.architecture import Architecture
from models.architecture import Choice as Value
from search.correction import AS_ESTIMATED, Correction
from search.cost import cost_of, is_published
from search.features import COMPUTATION, features_of
from search.problem import Choice, Codes, Known
from search.recipe import LEARNS, Learns
from search.space import Space, holds_limits, limits_of_family, space_of
from search.spec import SearchSpec

_Facts = tuple[str, float, list[float], bool]
"""Of one candidate: key, cost, features, whether it may be tried."""
FAMILY = "family"
"""The name of the first choice."""
SHARE_VARIED = 0.5
"""Of the candidates near the best ones, those that get a random recipe."""
_ALL = list(Learns).index(Learns.ALL)


class Spaces:
    """Every network of a search's families; the choices of the families lie side by side.

    A candidate's first code names its family; of the others only those of that family mean something, the rest is 0.
    """

    def __init__(self, spec: SearchSpec, correction: Correction = AS_ESTIMATED) -> None:
        self._spec, self._correction = spec, correction
        self._spaces = [space_of(spec, name) for name in spec.families]
        self._architectures: dict[tuple[int, ...], Architecture] = {}
        self._remembered: dict[tuple[int, ...], _Facts] = {}
        self.cost_limit: float | None = spec.latency_limit_ms

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """The family, then every choice of every family."""
        own = [
            Choice(f"{space.family.name}.{name}", values)
            for space in self._spaces
            for name, values in space.choices.items()
        ]
        return (Choice(FAMILY, self._spec.families), *own)

    @cached_property
    def _parts(self) -> list[slice]:
        """Where each family's choices lie."""
        ends = 1 + np.cumsum([len(space.choices) for space in self._spaces])
        return [slice(int(end) - len(space.choices), int(end)) for end, space in zip(ends, self._spaces, strict=True)]

    def canonical(self, codes: Codes) -> Codes:
        """Return the codes with those of other families set to 0; of what is no published network, all layers learn."""
        kept = np.zeros_like(codes)
        kept[:, 0] = codes[:, 0]
        for number, part in enumerate(self._parts):
            own = codes[:, 0] == number
            kept[own, part] = codes[own, part]
            if LEARNS in self._spaces[number].recipe:
                column = part.start + list(self._spaces[number].choices).index(LEARNS)
                kept[own & ~self._whole(number, kept[:, part]), column] = _ALL
        return kept

    def _whole(self, family: int, codes: Codes) -> NDArray[np.bool_]:
        """Say which codes of a family mean the published network: no choice leads away from it."""
        leading = self._published_values[family]
        if leading is None:
            return np.zeros(len(codes), dtype=bool)
        return np.all([values[codes[:, position]] for position, values in enumerate(leading)], axis=0)

    @cached_property
    def _published_values(self) -> list[list[NDArray[np.bool_]] | None]:
        """For each family, of every choice the values that leave the published network what it is; None without one."""
        return [self._published_values_of(space) for space in self._spaces]

    def _published_values_of(self, space: Space) -> list[NDArray[np.bool_]] | None:
        def whole(chosen: Mapping[str, Value]) -> bool:
            return is_published(space.family.build(chosen), self._spec.backbone)

        found = next((chosen for chosen in space.openings() if whole(chosen)), None)
        if found is None:
            return None
        return [
            np.array([name in space.recipe or whole({**found, name: value}) for value in values])
            for name, values in space.choices.items()
        ]

    def known(self, codes: Codes) -> Known:
        """Return costs, features and whether all limits are held."""
        facts = [self._facts(tuple(row)) for row in codes.tolist()]
        keys, costs, features, allowed = zip(*facts, strict=True) if facts else ((), (), (), ())
        width = len(features[0]) if features else 0
        numbers = np.array(features, dtype=np.float64).reshape(len(facts), width)
        computation = np.exp(numbers[:, COMPUTATION]) if facts and self._spec.backbone else None
        return Known(
            tuple(keys), np.array(costs, dtype=np.float64), numbers, np.array(allowed, dtype=bool), computation
        )

    def _facts(self, codes: tuple[int, ...]) -> _Facts:
        if codes not in self._remembered:
            network = self.architecture(codes)
            self._remembered[codes] = (
                network.key,
                self._correction.latency * cost_of(self._spec, network).latency_ms,
                features_of(self._spec, network),
                self.allows(network),
            )
        return self._remembered[codes]

    def sample(self, random: np.random.Generator, count: int) -> Codes:
        """Return networks of every family, made smaller until they hold the limits: so they lie near the limits."""
        found = []
        for number in range(count):
            family = number % len(self._spaces)
            space = self._spaces[family]
            chosen = self._shrunk(space, space.sample(random), random)
            if chosen:
                found.append(self._codes(family, chosen))
        return self._rows(found)

    def varied(self, codes: Codes, random: np.random.Generator) -> Codes:
        """Return the candidates, some with another recipe: beside one that was tried lies none that only learns
        differently, because it would be the same architecture.
        """
        changed = codes.copy()
        chosen = random.random(len(codes)) < SHARE_VARIED
        for number, part in enumerate(self._parts):
            space, own = self._spaces[number], chosen & (codes[:, 0] == number)
            for position, values in enumerate(space.recipe.values(), part.start + len(space.network)):
                changed[own, position] = random.integers(len(values), size=int(own.sum()))
        return changed

    def anchors(self) -> Codes:
        """Return the network that stays farthest below the limits, of each family."""
        safest = (limits_of_family(self._spec, family).safest for family in self._spec.families)
        return self._rows([codes for each in safest if (codes := self.codes_of(each))])

    def openings(self) -> Codes:
        """Return the families' proven shapes at every resolution."""
        found = [
            self._codes(number, chosen) for number, space in enumerate(self._spaces) for chosen in space.openings()
        ]
        return self.canonical(self._rows(found))

    def architecture(self, codes: Sequence[int]) -> Architecture:
        """Return the network that the codes stand for."""
        key = tuple(codes)
        if key not in self._architectures:
            space, part = self._spaces[key[0]], self._parts[key[0]]
            chosen = {name: values[code] for (name, values), code in zip(space.choices.items(), key[part], strict=True)}
            self._architectures[key] = space.family.build(chosen)
        return self._architectures[key]

    def allows(self, architecture: Architecture) -> bool:
        """Say whether a network holds the limits, latency as corrected by measurements."""
        return holds_limits(self._spec, architecture, self._correction)

    def codes_of(self, architecture: Architecture) -> tuple[int, ...] | None:
        """Return the codes of a network; None if it was not chosen from these spaces."""
        for family, space in enumerate(self._spaces):
            if space.family.name == architecture.family and space.knows(architecture):
                return self._codes(family, architecture.choices)
        return None

    def _codes(self, family: int, chosen: Mapping[str, Value]) -> tuple[int, ...]:
        codes = [0] * len(self.choices)
        codes[0] = family
        space = self._spaces[family]
        known = {**space.usual, **chosen}
        positions = [values.index(known[name]) for name, values in space.choices.items()]
        codes[self._parts[family]] = positions
        return tuple(codes)

    def _rows(self, found: Sequence[tuple[int, ...]]) -> Codes:
        return np.array(found, dtype=np.int64).reshape(len(found), len(self.choices))

    def _shrunk(self, space: Space, chosen: dict[str, Value], random: np.random.Generator) -> dict[str, Value] | None:
        """Return the choices, made smaller one by one until the limits hold; None if even the smallest does not.

        Not every step is looked at: of two looks, one before the limits hold and one after, the middle comes next.
        """

        def holds(step: int) -> bool:
            return holds_limits(self._spec, space.family.build(down[step]), self._correction)

        down = space.made_smaller(chosen, random)
        if holds(0):
            return down[0]
        before, after = 0, len(down) - 1
        if not holds(after):
            return None
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (before, middle) if holds(middle) else (middle, after)
        return down[after]


@lru_cache(maxsize=8)
def spaces_of(spec: SearchSpec, correction: Correction = AS_ESTIMATED) -> Spaces:
    """Return the problem of a search; it remembers the networks it has built."""
    return Spaces(spec, correction)

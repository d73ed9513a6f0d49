"""What can be chosen, and which of it holds the limits of a search. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from math import prod

import numpy as np

from edgetpu.latency import LatencyEstimate
from edgetpu.memory import DEFAULT_CAPACITY_BYTES
from models.architecture import Architecture, Choice
from models.families import FAMILIES, Family
from search.correction import AS_ESTIMATED, Correction
from search.cost import Cost, cost_of, estimate_of, teaching_seconds, training_seconds
from search.recipe import as_usual, recipe_choices, usual_recipe
from search.spec import SearchSpec

_LEAST_TRAINING_ROOM = 3.0
"""However short trials must be, networks up to this many times the shortest training stay in the space, whatever the
answers of a teacher take."""
_SHARE_USUAL = 0.5
"""Of random networks: what is usual has proved itself, the rest says whether these pictures want something else."""


@dataclass(frozen=True)
class Space:
    """The choices of a family for pictures of one size, and of how its networks learn them."""

    family: Family
    network: Mapping[str, tuple[Choice, ...]]
    """What makes the network, by name."""
    recipe: Mapping[str, tuple[Choice, ...]]
    """How it learns, by name (`search.recipe`)."""

    @cached_property
    def choices(self) -> Mapping[str, tuple[Choice, ...]]:
        """All choices, those of the network first."""
        return {**self.network, **self.recipe}

    @property
    def combinations(self) -> int:
        """Number of ways to choose; some of them mean the same network."""
        return prod(len(values) for values in self.choices.values())

    @property
    def usual(self) -> dict[str, Choice]:
        """How networks learn where nothing else is chosen."""
        return usual_recipe(self.recipe)

    @property
    def smallest(self) -> dict[str, Choice]:
        """The first value of every choice of the network, and the usual way to learn."""
        return {name: values[0] for name, values in self.network.items()} | self.usual

    def sample(self, random: np.random.Generator) -> dict[str, Choice]:
        """Return one value for every choice, each as likely as the others; half of all networks learn as usual."""
        chosen = {name: values[random.integers(len(values))] for name, values in self.choices.items()}
        return chosen | self.usual if random.random() < _SHARE_USUAL else chosen

    def neighbours(self, chosen: Mapping[str, Choice]) -> Iterator[dict[str, Choice]]:
        """Yield everything that differs in one choice."""
        for name, values in self.choices.items():
            for value in values:
                if value != chosen[name]:
                    yield {**chosen, name: value}

    def made_smaller(self, chosen: Mapping[str, Choice], random: np.random.Generator) -> list[dict[str, Choice]]:
        """Return the choices, then those with one of them made smaller at random, and so on down to the smallest."""
        steps = [dict(chosen)]
        while larger := [name for name, values in self.network.items() if steps[-1][name] != values[0]]:
            name = larger[random.integers(len(larger))]
            values = self.network[name]
            steps.append({**steps[-1], name: values[values.index(steps[-1][name]) - 1]})
        return steps

    def knows(self, architecture: Architecture) -> bool:
        """Whether the architecture was chosen from this space."""
        chosen = {**as_usual(architecture).choices, **self._recipe_in(architecture)}
        return chosen.keys() == self.choices.keys() and all(chosen[name] in self.choices[name] for name in chosen)

    def _recipe_in(self, architecture: Architecture) -> dict[str, Choice]:
        """Return how an architecture learns, as far as this space has a choice in it."""
        return {name: architecture.choices.get(name, usual) for name, usual in self.usual.items()}

    def openings(self) -> Iterator[dict[str, Choice]]:
        """Yield the family's proven shapes at every resolution, width and head; they learn as usual."""
        for shape in self.family.shapes:
            free = {name: values for name, values in self.network.items() if name not in shape}
            nearest = {name: _nearest(value, self.network[name]) for name, value in shape.items()}
            for values in product(*free.values()):
                yield {**nearest, **dict(zip(free, values, strict=True)), **self.usual}


def _nearest(value: Choice, values: tuple[Choice, ...]) -> Choice:
    """Return the value itself if it can be chosen, else the largest below it."""
    if isinstance(value, str) or value in values:
        return value
    return max((each for each in values if not isinstance(each, str) and each <= value), default=values[0])


def space_of(spec: SearchSpec, family: str | None = None) -> Space:
    """Return the choices of one of a search's families, the first if none is named."""
    found = FAMILIES[family or spec.families[0]]
    return Space(found, found.choices(spec.image_px), recipe_choices(pretrained=bool(spec.backbone)))


@dataclass(frozen=True, slots=True)
class Limits:
    """The nearest that one or more spaces come to each limit, whatever the others are."""

    fastest: Architecture
    fastest_ms: float
    fewest_onchip_bytes: int
    fewest_ops: int
    fewest_file_bytes: int
    shortest_training_seconds: float
    safest: Architecture
    """The network that stays farthest below the limits that were asked for."""


@lru_cache(maxsize=64)
def limits_of(spec: SearchSpec) -> Limits:
    """Return how far the limits of a search could be lowered, by the best of its families; remembered."""
    each = [limits_of_family(spec, family) for family in spec.families]
    first = min(each, key=lambda limits: limits.fastest_ms)
    return Limits(
        first.fastest,
        first.fastest_ms,
        min(limits.fewest_onchip_bytes for limits in each),
        min(limits.fewest_ops for limits in each),
        min(limits.fewest_file_bytes for limits in each),
        min(limits.shortest_training_seconds for limits in each),
        min((limits.safest for limits in each), key=lambda safest: worst_ratio(spec, cost_of(spec, safest))),
    )


def limits_of_family(spec: SearchSpec, family: str) -> Limits:
    """Return how far the limits of a search could be lowered within one of its families; quick, and remembered."""
    return _limits(replace(spec, families=(family,), trials=1, seed=0, minutes=None, trial_minutes=None, min_gain=None))


@lru_cache(maxsize=64)
def _limits(spec: SearchSpec) -> Limits:
    space = space_of(spec)
    fastest = _descend(spec, space, lambda cost: cost.latency_ms)
    smallest = _descend(spec, space, lambda cost: cost.parameter_bytes)
    lightest = _descend(spec, space, lambda cost: cost.file_bytes)
    least = space.family.build(space.smallest)
    balanced = _descend(spec, space, lambda cost: worst_ratio(spec, cost))
    safest = min(
        (balanced, smallest, lightest, fastest, least), key=lambda each: worst_ratio(spec, cost_of(spec, each))
    )
    return Limits(
        fastest,
        cost_of(spec, fastest).latency_ms,
        cost_of(spec, smallest).parameter_bytes,
        cost_of(spec, least).ops,
        cost_of(spec, lightest).file_bytes,
        cost_of(spec, least).training_seconds,
        safest,
    )


def room_seconds(spec: SearchSpec) -> float:
    """Return the most seconds of one processor core that the training of one network may take, by estimate."""
    taught_s = teaching_seconds(spec)
    own_s = limits_of(spec).shortest_training_seconds - taught_s
    return max(60 * spec.room_minutes, _LEAST_TRAINING_ROOM * own_s + taught_s)


def holds_limits(spec: SearchSpec, architecture: Architecture, correction: Correction = AS_ESTIMATED) -> bool:
    """Return whether a network may be proposed: within every limit, all parameters on the chip, trained in time.

    Args:
        spec: what is asked.
        architecture: the network.
        correction: what the compiler and a device say about the estimates, in this search.
    """
    in_time = training_seconds(spec, architecture) <= room_seconds(spec)  # first: it costs least
    return in_time and worst_ratio(spec, cost_of(spec, architecture), correction) <= 1


def fastest(spec: SearchSpec) -> tuple[Architecture, LatencyEstimate]:
    """Return the fastest network of the space for these pictures and this device."""
    architecture = limits_of(spec).fastest
    return architecture, estimate_of(spec, architecture)


def _descend(spec: SearchSpec, space: Space, measure: Callable[[Cost], float]) -> Architecture:
    """Return the network that no change of one choice makes better, starting from the smallest."""

    def score(chosen: Mapping[str, Choice]) -> float:
        return measure(cost_of(spec, space.family.build(chosen)))

    chosen = space.smallest
    best = score(chosen)
    improved = True
    while improved:
        improved = False
        for name, values in space.network.items():
            for value in values:
                changed = {**chosen, name: value}
                if value != chosen[name] and (found := score(changed)) < best:
                    chosen, best, improved = changed, found, True
    return space.family.build(chosen)


def worst_ratio(spec: SearchSpec, cost: Cost, correction: Correction = AS_ESTIMATED) -> float:
    """Return the largest of the shares of each limit that a network uses; at most 1 where all are held.

    On-chip memory is what is asked for, or what there is if more is asked for: nothing may be streamed.
    """
    memory = correction.memory * cost.parameter_bytes / min(spec.onchip_limit_bytes, DEFAULT_CAPACITY_BYTES)
    ops = cost.ops / spec.max_ops if spec.max_ops else 0.0
    file = cost.file_bytes / spec.file_limit_bytes if spec.file_limit_bytes else 0.0
    return max(correction.latency * cost.latency_ms / spec.latency_limit_ms, memory, ops, file)

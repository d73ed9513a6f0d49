"""Which network to try next: a pure function of what is asked, what was tried, and the seed.

First the family's own shape, as large as the limits allow; then networks far from all tried ones; then those from which
a Gaussian process over the tried ones expects most. Trials that still run count as if they came out as predicted, so
that two workers never train the same network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from models.architecture import Architecture, Choice
from search.features import features_of
from search.space import Space, holds_limits, limits_of, space_of
from search.spec import SearchSpec
from search.surrogate import Surrogate, expected_improvement
from search.trial import TrialRecord

SAMPLES = 48
"""Random networks considered for one proposal."""
_LEADERS = 2
"""Best networks so far whose neighbours are considered too."""
_SHARE_SPREAD = 1 / 3
"""Share of the trials that spread over the space before anything is exploited."""


def propose(spec: SearchSpec, history: Sequence[TrialRecord]) -> Architecture | None:
    """Return a network that holds the limits and was not proposed before; None if none is left.

    Args:
        spec: what is asked.
        history: every trial so far, also those that still run or failed.
    """
    space = space_of(spec)
    seen = {record.architecture.key for record in history}
    random = np.random.default_rng((spec.seed, len(history)))
    if not history:
        opening = _largest(spec, _allowed(spec, space, space.openings(), seen))
        if opening:
            return opening
    candidates = _candidates(spec, space, history, random)
    if not candidates:
        return None
    return candidates[_choose(spec, candidates, history)]


def _choose(spec: SearchSpec, candidates: Sequence[Architecture], history: Sequence[TrialRecord]) -> int:
    """Return the position of the most promising candidate, or of the most distant one while little is known."""
    if not history:
        return 0
    raw = np.array([features_of(spec, each) for each in [*candidates, *(trial.architecture for trial in history)]])
    scaled = (raw - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-9)
    points, tried = scaled[: len(candidates)], scaled[len(candidates) :]
    done = np.array([record.finished_well for record in history])
    if len(history) < max(3, round(spec.trials * _SHARE_SPREAD)) or done.sum() < 2:
        return int(np.argmax(_distances(points, tried).min(axis=1)))
    found = np.array([record.validation_accuracy for record in history if record.finished_well], dtype=float)
    surrogate = Surrogate(tried[done], found).with_pending(tried[_pending(history)])
    return int(np.argmax(expected_improvement(*surrogate.predict(points), best=float(found.max()))))


def _pending(history: Sequence[TrialRecord]) -> list[bool]:
    return [record.state in ("pending", "running") for record in history]


def _distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - others[None], axis=-1)


def _candidates(
    spec: SearchSpec, space: Space, history: Sequence[TrialRecord], random: np.random.Generator
) -> list[Architecture]:
    """Return new networks within the limits: random ones, changes of the best ones, or else whatever is near."""
    seen = {record.architecture.key for record in history}
    sampled = (_shrunk(spec, space, space.sample(random), random) for _ in range(SAMPLES))
    leaders = sorted(
        (record for record in history if record.finished_well), key=lambda record: -(record.validation_accuracy or 0)
    )
    near = _neighbours(space, [record.architecture for record in leaders[:_LEADERS]])
    found = _allowed(spec, space, [*(each for each in sampled if each), *near], seen)
    return found or _nearby(spec, space, history, seen)


def _nearby(spec: SearchSpec, space: Space, history: Sequence[TrialRecord], seen: set[str]) -> list[Architecture]:
    """Return new networks within the limits that differ in one or two choices from one known to hold them."""
    known = [limits_of(spec).safest, *(record.architecture for record in history)]
    allowed = _allowed(spec, space, [dict(known[0].choices), *_neighbours(space, known)], set())
    new = [each for each in allowed if each.key not in seen]
    return new or _allowed(spec, space, _neighbours(space, allowed), seen)


def _neighbours(space: Space, architectures: Iterable[Architecture]) -> list[dict[str, Choice]]:
    return [near for each in architectures if space.knows(each) for near in space.neighbours(each.choices)]


def _allowed(
    spec: SearchSpec, space: Space, ways: Iterable[Mapping[str, Choice]], seen: set[str]
) -> list[Architecture]:
    """Return the networks that hold the limits, each once, without those already seen."""
    found: dict[str, Architecture] = {}
    for chosen in ways:
        architecture = space.family.build(chosen)
        key = architecture.key
        if key not in seen and key not in found and holds_limits(spec, architecture):
            found[key] = architecture
    return list(found.values())


def _shrunk(
    spec: SearchSpec, space: Space, chosen: dict[str, Choice], random: np.random.Generator
) -> dict[str, Choice] | None:
    """Return the choices, made smaller one by one until the limits hold: that way samples lie near the limits."""
    while not holds_limits(spec, space.family.build(chosen)):
        larger = [name for name, values in space.choices.items() if chosen[name] != values[0]]
        if not larger:
            return None
        name = larger[random.integers(len(larger))]
        values = space.choices[name]
        chosen = {**chosen, name: values[values.index(chosen[name]) - 1]}
    return chosen


def _largest(spec: SearchSpec, architectures: Sequence[Architecture]) -> Architecture | None:
    """Return the network of the highest resolution, and of those the one that computes most."""
    return max(architectures, key=lambda each: (each.image_px, each.macs(spec.classes)), default=None)

"""Which network to try next, and why: a pure function of what is asked, what was tried, and the seed.

First proven shapes (`search.opening`); then networks from every range of latency; then those from which `search.engine`
expects most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from models.architecture import Architecture
from search.correction import broken_limit, correction_of
from search.distillation import teacher_of
from search.engine import Pick, Settings, pick
from search.opening import opening_of
from search.parents import parent_of
from search.problem import Goal, Tried
from search.recipe import RECIPES
from search.rungs import ended
from search.spaces import spaces_of
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

_POOL, _FRESH, _LOCAL = 64, 12, 72
"""Networks considered for one proposal: each takes about a millisecond, mostly of its latency estimate."""
_SHARE_SPREAD = 1 / 3
_FEWEST_SPREAD, _MOST_SPREAD = 3, 8
"""A third of the trials, but so many, spread over all latencies before anything is expected of a network."""
_MOST_WHOLE = len(RECIPES) + 1
"""Each of `RECIPES` in its turn, and a shallow network."""
_LEAST_GAIN = 1e-6
"""Accuracy below which nothing is gained: the best is right on every picture."""
_GAIN_OF_EQUALS = 0.4
"""Gain, in standard deviations, expected of a network that is foretold to be as good as the best: less means worse."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The network to try next, and what is thought of it."""

    architecture: Architecture
    reason: str
    """A sentence for people."""
    expected_gain: float | None = None
    """Accuracy (0 to 1) by which it is expected to exceed the best so far; for a front, the best at its latency."""
    predicted_accuracy: float | None = None
    predicted_sd: float | None = None
    """Standard deviation of the prediction."""
    parent: int | None = None
    """Number of the finished trial that it begins with; None where it begins as the search does."""
    teacher: int | None = None
    """Number of the finished trial whose answers it learns; None where it learns the labels alone."""

    def to_json(self) -> dict[str, Any]:
        """Return what is thought of the network as plain values, without the network itself."""
        return {name: value for name, value in asdict(self).items() if name != "architecture"}


@dataclass(frozen=True, slots=True)
class Stopped:
    """No network is proposed."""

    reason: str
    """A sentence for people."""


NOTHING_NEW = Stopped("The space holds no further network within the limits, so the search ends here.")


def propose(spec: SearchSpec, history: Sequence[TrialRecord]) -> Architecture | None:
    """Return a network that holds the limits and was not proposed before; None if none is left.

    Args:
        spec: what is asked.
        history: every trial so far, also those that still run or failed.
    """
    found = next_proposal(spec, history)
    return found.architecture if isinstance(found, Proposal) else None


def next_proposal(spec: SearchSpec, history: Sequence[TrialRecord]) -> Proposal | Stopped:
    """Return the network to try next with the reason, or why the search is over.

    Args:
        spec: what is asked.
        history: every trial so far, also those that still run or failed.
    """
    found = _next(spec, history)
    if isinstance(found, Stopped):
        return found
    parent, teacher = (of(spec, history, found.architecture) for of in (parent_of, teacher_of))
    begins = "" if parent is None else f" It begins with what trial {parent} has learned."
    learns = "" if teacher is None else f" Trial {teacher} teaches it."
    return replace(found, parent=parent, teacher=teacher, reason=f"{found.reason}{begins}{learns}")


def _next(spec: SearchSpec, history: Sequence[TrialRecord]) -> Proposal | Stopped:
    correction = correction_of(spec, history)
    spaces = spaces_of(spec, correction)
    opening = opening_of(spec, spaces, history, settings_of(spec).start)
    if opening:
        return Proposal(*opening)
    tried = [(codes, record) for record in ended(spec, history) if (codes := spaces.codes_of(record.architecture))]
    outcomes = [replace(_tried(codes, each), counts=not broken_limit(spec, each, correction)) for codes, each in tried]
    keys = {record.architecture.key for record in history}
    found = pick(spaces, outcomes, spec.seed, settings_of(spec), taken=keys)
    if found is None:
        return NOTHING_NEW
    if spec.min_gain is not None and found.gain is not None and found.gain < spec.min_gain:
        return Stopped(
            f"No further network is expected to gain {100 * spec.min_gain:.2g} points of accuracy: the most promising "
            f"one would gain {100 * found.gain:.2g} on average. So the search ends here."
        )
    network = spaces.architecture(found.codes)
    return Proposal(network, _reason(spec, found), found.gain, found.mean, found.deviation)


def settings_of(spec: SearchSpec) -> Settings:
    """Return how the engine goes about a search over families."""
    start = min(_MOST_SPREAD, max(_FEWEST_SPREAD, round(spec.trials * _SHARE_SPREAD)))
    if spec.backbone:
        start = min(start, _MOST_WHOLE)  # what is cut out may be as good at a fraction of the computation
    return Settings(Goal(spec.objective), start=start, pool=_POOL, fresh=_FRESH, local=_LOCAL, most=1.0)


def _tried(codes: tuple[int, ...], record: TrialRecord) -> Tried:
    if record.state in (TrialState.PENDING, TrialState.RUNNING):
        return Tried(codes)
    return Tried(codes, record.validation_accuracy, failed=not record.finished_well)


def _reason(spec: SearchSpec, found: Pick) -> str:
    if found.spread or found.mean is None or found.deviation is None or found.gain is None:
        return f"To learn what networks of about {found.cost:.2g} ms can do."
    best = "the best so far" if spec.objective == Goal.TARGET else "the best at its latency"
    foretold = f"{100 * found.mean:.1f} ± {100 * found.deviation:.1f} % foretold at {found.cost:.2g} ms"
    if found.gain < _LEAST_GAIN:
        return f"Nothing can be right more often than {best}; it may be as good, and faster: {foretold}."
    if found.gain < _GAIN_OF_EQUALS * found.deviation:
        return f"Little is known of such networks, so it may turn out better than foretold: {foretold}."
    return f"Expected to beat {best} by {100 * found.gain:.1f} points: {foretold}."

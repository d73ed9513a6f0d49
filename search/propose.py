"""Which network to try next, and why: a pure function of what is asked, what was tried, and the seed.

First each family's own shape, as large as the limits allow; where there are published weights, then their own network
at other resolutions, because it has lost nothing; then networks from every range of latency; then those from which
`search.engine` expects most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models.architecture import Architecture
from search.correction import correction_of
from search.cost import is_published
from search.engine import Pick, Settings, pick
from search.problem import Goal, Tried
from search.rungs import ended
from search.spaces import Spaces, spaces_of
from search.spec import SearchSpec
from search.trial import TrialRecord, TrialState

_POOL, _FRESH, _LOCAL = 64, 12, 72
"""Networks considered for one proposal: each takes about a millisecond, mostly of its latency estimate."""
_SHARE_SPREAD = 1 / 3
_FEWEST_SPREAD, _MOST_SPREAD = 3, 8
"""A third of the trials, but so many, spread over all latencies before anything is expected of a network."""

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
    spaces = spaces_of(spec, correction_of(spec, history))
    opening = _opening(spec, spaces, history)
    if opening:
        return opening
    tried = [(codes, record) for record in ended(history) if (codes := spaces.codes_of(record.architecture))]
    outcomes = [_tried(codes, record) for codes, record in tried]
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
    return Settings(Goal(spec.objective), start=start, pool=_POOL, fresh=_FRESH, local=_LOCAL)


def _tried(codes: tuple[int, ...], record: TrialRecord) -> Tried:
    if record.state in (TrialState.PENDING, TrialState.RUNNING):
        return Tried(codes)
    return Tried(codes, record.validation_accuracy, failed=not record.finished_well)


def _opening(spec: SearchSpec, spaces: Spaces, history: Sequence[TrialRecord]) -> Proposal | None:
    """Return what is tried before anything was learned: proven shapes, no more than the beginning of a search has."""
    if len(history) >= settings_of(spec).start:
        return None
    codes = spaces.openings()
    networks = [spaces.architecture(row) for row in codes[spaces.known(codes).allowed].tolist()]
    families = {record.architecture.family for record in history}
    unseen = [each for each in networks if each.family not in families]
    if unseen:
        largest = max(unseen, key=lambda each: (each.image_px, each.macs(spec.classes)))
        return Proposal(largest, _why_opening(spec, largest))
    tried = {record.architecture.key: record.architecture for record in history}
    whole = [each for each in networks if is_published(each, spec.backbone) and each.key not in tried]
    if not whole:
        return None
    chosen = _next_resolution(spec, {each.image_px: each for each in whole}, [each.image_px for each in tried.values()])
    return Proposal(chosen, _why_opening(spec, chosen))


def _why_opening(spec: SearchSpec, network: Architecture) -> str:
    if is_published(network, spec.backbone):
        return f"The published network, whole, at {network.image_px} px: it keeps all that it knows."
    return "A proven shape of its family, as large as the limits allow."


def _next_resolution(spec: SearchSpec, new: Mapping[int, Architecture], tried_px: Sequence[int]) -> Architecture:
    """Return the largest if the most accurate is looked for; for a front, the one farthest from all that were tried."""
    if spec.objective == Goal.TARGET:
        return new[max(new)]
    return new[max(new, key=lambda px: (min((abs(px - other) for other in tried_px), default=px), px))]


def _reason(spec: SearchSpec, found: Pick) -> str:
    if found.spread or found.mean is None or found.deviation is None or found.gain is None:
        return f"To learn what networks of about {found.cost:.2g} ms can do."
    best = "the best so far" if spec.objective == Goal.TARGET else "the best at its latency"
    foretold = f"{100 * found.mean:.1f} ± {100 * found.deviation:.1f} % foretold at {found.cost:.2g} ms"
    if found.gain < _GAIN_OF_EQUALS * found.deviation:
        return f"Little is known of such networks, so it may turn out better than foretold: {foretold}."
    return f"Expected to beat {best} by {100 * found.gain:.1f} points: {foretold}."

"""What is tried before anything was learned: proven shapes. Pure.

First each family's own shape, as large as the limits allow. Where there are published weights, then their own network
at other resolutions, because it has lost nothing, with other recipes, because which one suits is a matter of the
pictures; and once, at the largest, a narrow one of full depth, to learn what cutting costs on these pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from models.architecture import Architecture
from search.cost import is_published
from search.problem import Goal
from search.recipe import RECIPES, recipe_of
from search.spaces import Spaces
from search.spec import SearchSpec
from search.trial import TrialRecord

NARROW_AT = 2
"""So many trials come before the narrow network."""
NARROW_SHARE = 0.5
"""Of the whole network's computation: a narrow one has at most this."""
PROVEN = "A proven shape of its family, as large as the limits allow."


def opening_of(
    spec: SearchSpec, spaces: Spaces, history: Sequence[TrialRecord], start: int
) -> tuple[Architecture, str] | None:
    """Return the network that a beginning search tries next, and why; None where it is no beginning any more.

    Args:
        spec: what is asked.
        spaces: of its families.
        history: every trial so far.
        start: trials that the beginning of a search has.
    """
    if len(history) >= start:
        return None
    codes = spaces.openings()
    networks = [spaces.architecture(row) for row in codes[spaces.known(codes).allowed].tolist()]
    families = {record.architecture.family for record in history}
    unseen = [each for each in networks if each.family not in families]
    if unseen:
        largest = max(unseen, key=lambda each: (each.image_px, each.macs(spec.classes)))
        return largest, _why(spec, largest)
    tried = {record.architecture.key for record in history}
    new = [each for each in networks if each.key not in tried]
    if spec.backbone and len(history) == NARROW_AT and (narrow := _narrow(spec, new, history)):
        return narrow, "To learn what cutting costs: as deep as the published network, but narrower."
    whole = [each for each in new if is_published(each, spec.backbone)]
    if not whole:
        return None
    chosen = _next_resolution(spec, whole, [record.architecture.image_px for record in history])
    chosen = _next_recipe(spec, spaces, chosen, history)
    return chosen, _why(spec, chosen)


def _why(spec: SearchSpec, network: Architecture) -> str:
    if is_published(network, spec.backbone):
        whole = f"The published network, whole, at {network.image_px} px: it has lost nothing of what it knows."
        return f"{whole} {recipe_of(network.choices).sentence}".strip()
    return PROVEN


def _narrow(spec: SearchSpec, new: Sequence[Architecture], history: Sequence[TrialRecord]) -> Architecture | None:
    """Return the one that computes most of those as deep as the largest whole network, within a share of it."""
    whole = [each.architecture for each in history if is_published(each.architecture, spec.backbone)]
    if not whole:
        return None
    largest = max(whole, key=lambda each: each.image_px)
    most_macs = NARROW_SHARE * largest.macs(spec.classes)
    fitting = [
        each
        for each in new
        if each.image_px == largest.image_px
        and len(each.blocks) == len(largest.blocks)
        and each.macs(spec.classes) <= most_macs
    ]
    return max(fitting, key=lambda each: each.macs(spec.classes), default=None)


def _next_recipe(spec: SearchSpec, spaces: Spaces, whole: Architecture, history: Sequence[TrialRecord]) -> Architecture:
    """Return the network with the recipe whose turn it is; as usual where that trains too long."""
    turn = sum(is_published(each.architecture, spec.backbone) for each in history) % len(RECIPES)
    changed = replace(whole, choices={**whole.choices, **asdict(RECIPES[turn])})
    return changed if spaces.allows(changed) else whole


def _next_resolution(spec: SearchSpec, whole: Sequence[Architecture], tried_px: Sequence[int]) -> Architecture:
    """Return the largest if the most accurate is looked for; for a front, the one farthest from all that were tried."""
    if spec.objective == Goal.TARGET:
        return max(whole, key=lambda each: each.image_px)
    return max(whole, key=lambda each: (min(abs(each.image_px - px) for px in tried_px), each.image_px))

"""What is tried before anything was learned: proven shapes. Pure.

First each family's own shape, as large as the limits allow. Where there are published weights, that is their own
network, whole, because it has lost nothing, at the largest resolution that there is time for; then the same at other
resolutions, with other recipes, because which one suits is a matter of the pictures; and once a shallow one of full
width, to learn what cutting costs on these pictures. At equal latency a shallow one computes twice as much as a
narrow one: the chip takes its time for every layer, however narrow.
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

SHALLOW_AT = 2
"""So many trials come before the shallow network."""
SHALLOW_MACS = 1 / 3
"""Of the largest whole network so far, what the shallow one computes at most: what is cut out sees its pictures twice
as often, and a quarter of half an hour is too long to learn what cutting costs. Source: benchmarks/RESULTS.md, search,
Quarters."""
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
        whole = [each for each in unseen if is_published(each, spec.backbone)]
        largest = max(whole or unseen, key=lambda each: (each.image_px, each.macs(spec.classes)))
        if whole:
            largest = _next_recipe(spec, spaces, largest, history)
        return largest, _why(spec, largest)
    tried = {record.architecture.key for record in history}
    new = [each for each in networks if each.key not in tried]
    if spec.backbone and len(history) == SHALLOW_AT and (shallow := _shallow(spec, new, history)):
        return shallow, "To learn what cutting costs: as wide as the published network, with fewer blocks."
    whole = [each for each in new if is_published(each, spec.backbone)]
    if not whole:
        return None
    sides = [each.architecture.image_px for each in history if is_published(each.architecture, spec.backbone)]
    chosen = _next_resolution(spec, whole, sides)
    chosen = _next_recipe(spec, spaces, chosen, history)
    return chosen, _why(spec, chosen)


def _why(spec: SearchSpec, network: Architecture) -> str:
    if is_published(network, spec.backbone):
        whole = f"The published network, whole, at {network.image_px} px: it has lost nothing of what it knows."
        return f"{whole} {recipe_of(network.choices).sentence}".strip()
    return PROVEN


def _shallow(spec: SearchSpec, new: Sequence[Architecture], history: Sequence[TrialRecord]) -> Architecture | None:
    """Return the shallowest of those as wide as the largest whole network so far: of those that compute a third of it
    at most, the one that computes most; else the one that computes least.
    """
    whole = [each.architecture for each in history if is_published(each.architecture, spec.backbone)]
    if not whole:
        return None
    largest = max(whole, key=lambda each: each.image_px)
    wide = [each for each in new if each.image_px <= largest.image_px and _widths(each) == _widths(largest)]
    fewest = min((len(each.blocks) for each in wide), default=0)
    shallow = sorted(
        (each for each in wide if len(each.blocks) == fewest < len(largest.blocks)),
        key=lambda each: each.macs(spec.classes),
    )
    most_macs = SHALLOW_MACS * largest.macs(spec.classes)
    small = [each for each in shallow if each.macs(spec.classes) <= most_macs]
    if small:
        return small[-1]
    return shallow[0] if shallow else None


def _widths(network: Architecture) -> set[int]:
    """Return what a network is as wide as: the channels of its stages, its stem and its head."""
    return {network.stem_filters, network.head_filters, *(block.filters for block in network.blocks)}


def _next_recipe(spec: SearchSpec, spaces: Spaces, whole: Architecture, history: Sequence[TrialRecord]) -> Architecture:
    """Return the network with the recipe whose turn it is; as usual where that trains too long."""
    turn = sum(is_published(each.architecture, spec.backbone) for each in history) % len(RECIPES)
    changed = replace(whole, choices={**whole.choices, **asdict(RECIPES[turn])})
    return changed if spaces.allows(changed) else whole


def _next_resolution(spec: SearchSpec, whole: Sequence[Architecture], tried_px: Sequence[int]) -> Architecture:
    """Return the largest if the most accurate is looked for; for a front, the one farthest from all that were tried."""
    if spec.objective == Goal.TARGET:
        return max(whole, key=lambda each: each.image_px)
    return max(whole, key=lambda each: (min((abs(each.image_px - px) for px in tried_px), default=0), each.image_px))

"""Canonical forms: codes or texts that equal networks share, so that none is tried twice. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def skips_last(codes: Sequence[int], stages: Sequence[int], skip: int) -> tuple[int, ...]:
    """Return the codes with each stage's skipped layers at its end.

    Args:
        codes: one operation a layer.
        stages: number of layers in each stage; the first layer of a stage changes the shape and stays in its place.
        skip: the code of the operation that leaves its input as it is.
    """
    moved: list[int] = []
    for length in stages:
        first, *rest = codes[len(moved) : len(moved) + length]
        kept = [code for code in rest if code != skip]
        moved += [first, *kept, *[skip] * (len(rest) - len(kept))]
    return (*moved, *codes[len(moved) :])


@lru_cache(maxsize=65536)
def cell_key(codes: tuple[int, ...], none: int = 0, skip: int = 1) -> str:
    """Return a text that equal cells of four nodes and six edges share.

    Each node is the sum of its edges, as a sorted expression of what reaches it: an edge that skips hands its input
    on, one without an operation hands on nothing.

    Args:
        codes: one operation for each of the edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3.
        none: the code of an edge that is not there.
        skip: the code of the identity.
    """
    nodes = ["x", "", "", ""]
    for node in (1, 2, 3):
        ends = [(nodes[edge[0]], code) for edge, code in zip(_EDGES, codes, strict=True) if edge[1] == node]
        parts = [source if code == skip else f"({source}){code}" for source, code in ends if source and code != none]
        nodes[node] = "+".join(sorted(parts))
        nodes[node] = f"[{nodes[node]}]" if len(parts) > 1 else nodes[node]
    return nodes[3]

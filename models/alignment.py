"""Which block of a parent each block of a child takes after. Pure.

Blocks keep their order. A block likes one at the same distance in strides, of the same relative width, that begins a
stage (stride, change of width) where it does. Of a stage that loses blocks those stay that add most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.architecture import Architecture, Block

OCTAVE, WIDTH, START, KIND, KERNEL = 1.0, 0.3, 0.5, 0.3, 0.1
"""What it costs to differ: per halving of the feature map, per e-fold of width, for the rest."""
LOSE_START, LOSE_LATER = 1.5, 0.3
"""What it costs that no block takes after a parent's first block of a stage, or after a later one."""
NEW_START, NEW_LATER = 4.0, 2.0
"""What it costs that a block takes after none."""


KINDS = ("depthwise", "fused", "separable")
"""Blocks that can be inherited."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a block of the child comes from; blocks are counted from 0."""

    takes_after: int | None
    """The parent's block whose layers it takes over; None for a new block."""
    follows: int
    """The parent's block after which the stream is what this block's output shall be; −1 for the stem's."""


@dataclass(frozen=True, slots=True)
class _Profile:
    block: Block
    starts: bool
    octaves_before: float
    octaves_left: float
    log_width: float


def why_not_inherited(architecture: Architecture) -> str:
    """Return why a network cannot be cut out of another one, nor another out of it, as a sentence; empty if it can."""
    strange = {block.kind for block in architecture.blocks} - set(KINDS)
    if strange:
        return (
            f"A {architecture.family} network has blocks of kind {', '.join(sorted(strange))}, and only networks of "
            f"{', '.join(KINDS)} blocks can be cut out of one another. Train it from scratch or keep it whole."
        )
    if architecture.stem_padding != "same":
        return "The network's first convolution does not pad its picture. Train it from scratch."
    return ""


def align(child: Architecture, parent: Architecture, additions: Sequence[float]) -> tuple[Match, ...]:
    """Return what each block of the child comes from.

    Args:
        child: the architecture to fill.
        parent: the architecture of the trained network.
        additions: for each block of the parent the share of its output's variance that it adds, 0 to 1.
    """
    mine, theirs = _profiles(child), _profiles(parent)
    lost = [LOSE_START if each.starts else LOSE_LATER + part for each, part in zip(theirs, additions, strict=True)]
    pairs = _Table(mine, theirs, lost).pairs()
    return tuple(Match(pairs[index], _followed(pairs, index, len(theirs))) for index in range(len(mine)))


def adds(architecture: Architecture) -> list[bool]:
    """Return for each block whether its input is added to its output."""
    channels, found = architecture.stem_filters, []
    for block in architecture.blocks:
        plain = block.kind != "separable" and block.stride == 1
        found.append(block.skip and plain and block.filters == channels)
        channels = block.filters
    return found


def total_stride(architecture: Architecture) -> int:
    """Return how many pixels of the picture one place of the last feature map stands for, along a side."""
    return architecture.stem_stride * math.prod(block.stride for block in architecture.blocks)


def _profiles(architecture: Architecture) -> list[_Profile]:
    octaves, last = math.log2(total_stride(architecture)), architecture.blocks[-1].filters
    profiles, before = [], math.log2(architecture.stem_stride)
    for block, added in zip(architecture.blocks, adds(architecture), strict=True):
        before += math.log2(block.stride)
        profiles.append(_Profile(block, not added, before, octaves - before, math.log(block.filters / last)))
    return profiles


class _Table:
    """The cheapest way to the end from every pair of blocks, a child's and a parent's."""

    def __init__(self, mine: Sequence[_Profile], theirs: Sequence[_Profile], lost: Sequence[float]) -> None:
        self._mine, self._theirs, self._lost = mine, theirs, lost
        self._cost = [[0.0] * (len(theirs) + 1) for _ in range(len(mine) + 1)]
        for i in range(len(mine), -1, -1):
            for j in range(len(theirs), -1, -1):
                self._cost[i][j] = min((total for total, *_ in self._steps(i, j)), default=0.0)

    def pairs(self) -> list[int | None]:
        """Return for each of the child's blocks the parent's it takes after."""
        found: list[int | None] = [None] * len(self._mine)
        i = j = 0
        while i < len(found):
            _, down, across = min(self._steps(i, j), key=lambda step: step[0])
            found[i] = j if down and across else found[i]
            i, j = i + down, j + across
        return found

    def _steps(self, i: int, j: int) -> list[tuple[float, int, int]]:
        """Return what can be done with two blocks: (cost to the end, child's blocks used up, parent's)."""
        found = []
        if i < len(self._mine) and j < len(self._theirs):
            found.append((_difference(self._mine[i], self._theirs[j]) + self._cost[i + 1][j + 1], 1, 1))
        if j < len(self._theirs):
            found.append((self._lost[j] + self._cost[i][j + 1], 0, 1))
        if i < len(self._mine):
            found.append(((NEW_START if self._mine[i].starts else NEW_LATER) + self._cost[i + 1][j], 1, 0))
        return found


def _difference(one: _Profile, other: _Profile) -> float:
    """Return how unlike two blocks are; where one network gave a stride up, blocks before it compare from the start."""
    before, left = abs(one.octaves_before - other.octaves_before), abs(one.octaves_left - other.octaves_left)
    return (
        OCTAVE * min(before, left)
        + WIDTH * abs(one.log_width - other.log_width)
        + START * (one.starts != other.starts)
        + KIND * (one.block.kind != other.block.kind)
        + KERNEL * (one.block.kernel != other.block.kernel)
    )


def _followed(pairs: Sequence[int | None], index: int, blocks: int) -> int:
    """Return the parent's block just before the next one that is taken over: what the child's next block reads."""
    return next((pair for pair in pairs[index + 1 :] if pair is not None), blocks) - 1

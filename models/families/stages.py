"""Runs of bottlenecks of equal width, which most mobile networks are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.architecture import Block


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of equal width: the first has the stride, the others repeat it without."""

    kind: str
    kernel: int
    stride: int
    expansion: int
    """Channels inside a block for each that comes in; 1 leaves the expansion out, except in fused blocks."""
    filters: int
    depth: int


def blocks_of(stages: Iterable[Stage], channels: int) -> tuple[Block, ...]:
    """Return the blocks of all stages; `channels` is what the first one's expansion is counted from."""
    blocks = []
    for stage in stages:
        for number in range(stage.depth):
            bare = stage.expansion == 1 and stage.kind != "fused"
            expanded = 0 if bare else channels * stage.expansion
            stride = stage.stride if number == 0 else 1
            blocks.append(Block(stage.kind, stage.kernel, stride, expanded, stage.filters))
            channels = stage.filters
    return tuple(blocks)

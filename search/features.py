"""A network in numbers that say what it can learn. Pure."""

from __future__ import annotations

from math import log

from models.architecture import Architecture
from search.cost import cost_of, is_published
from search.spec import SearchSpec

COMPUTATION = 0
"""Where the logarithm of the multiply-accumulates stands among the features."""


def features_of(spec: SearchSpec, architecture: Architecture) -> list[float]:
    """Return what is known of a network beside its latency: sizes as logarithms, shares and means as they are."""
    cost, blocks = cost_of(spec, architecture), architecture.blocks
    count = len(blocks)
    early, late = blocks[: (count + 1) // 2], blocks[count // 2 :]
    return [
        log(cost.macs),
        log(cost.parameters),
        log(architecture.image_px),
        log(architecture.stem_filters),
        log(architecture.head_filters + 1),
        log(count),
        sum(block.kind == "fused" for block in blocks) / count,
        sum(block.kernel for block in early) / len(early),
        sum(block.kernel for block in late) / len(late),
        sum(log(block.expanded + 1) for block in early) / len(early),
        sum(log(block.expanded + 1) for block in late) / len(late),
        log(blocks[-1].filters),
        float(is_published(architecture, spec.backbone)),
    ]

"""MobileNet v3, minimalistic: no squeeze-excite, no hard-swish, 3×3 kernels only, which is what the chip runs.

Source: Howard et al. 2019; tensorflow/models, research/slim/nets/mobilenet/mobilenet_v3.py, `*_MINIMALISTIC`.
"""

from __future__ import annotations

from models.architecture import Architecture, Block
from models.families.only_published import only_published

NAME = "mobilenet_v3"

_Row = tuple[int, int, int]
"""Channels inside the block (0: none), channels that come out, stride."""

_LARGE: tuple[_Row, ...] = (
    (0, 16, 1),
    (64, 24, 2),
    (72, 24, 1),
    (72, 40, 2),
    (120, 40, 1),
    (120, 40, 1),
    (240, 80, 2),
    (200, 80, 1),
    (184, 80, 1),
    (184, 80, 1),
    (480, 112, 1),
    (672, 112, 1),
    (672, 160, 2),
    (960, 160, 1),
    (960, 160, 1),
)
_SMALL: tuple[_Row, ...] = (
    (0, 16, 2),
    (72, 24, 2),
    (88, 24, 1),
    (96, 40, 2),
    (240, 40, 1),
    (240, 40, 1),
    (120, 48, 1),
    (144, 48, 1),
    (288, 96, 2),
    (576, 96, 1),
    (576, 96, 1),
)


def _published(rows: tuple[_Row, ...], head_filters: int, hidden_units: int) -> Architecture:
    blocks = tuple(Block("depthwise", 3, stride, expanded, filters) for expanded, filters, stride in rows)
    return Architecture(NAME, 224, 16, blocks, head_filters, hidden_units=hidden_units)


FAMILY = only_published(
    NAME,
    "MobileNet v3, minimalistic",
    {
        "mobilenet-v3-small-minimalistic": _published(_SMALL, 576, 1024),
        "mobilenet-v3-large-minimalistic": _published(_LARGE, 960, 1280),
    },
    smallest_px=40,
)

"""MobileNet-EdgeTPU (v1): fused bottlenecks in the early stages, depthwise ones after; ReLU.

Source: tensorflow/models, research/slim/nets/mobilenet/mobilenet_v3.py `V3_EDGETPU`, whose ×0.75 network keeps its head
of 1280 channels; wider ones: official/projects/edgetpu/vision/modeling/mobilenet_edgetpu_v1_model_blocks.py.
"""

from __future__ import annotations

from dataclasses import replace

from models.architecture import Architecture
from models.families.family import round_filters
from models.families.only_published import only_published
from models.families.stages import Stage, blocks_of

NAME = "mobilenet_edgetpu"

_STAGES = (
    Stage("pointwise", 1, 1, 1, 16, 1),
    Stage("fused", 3, 2, 8, 32, 1),
    Stage("fused", 3, 1, 4, 32, 3),
    Stage("fused", 3, 2, 8, 48, 1),
    Stage("fused", 3, 1, 4, 48, 3),
    Stage("depthwise", 3, 2, 8, 96, 1),
    Stage("depthwise", 3, 1, 4, 96, 3),
    Stage("depthwise", 3, 1, 8, 96, 1),
    Stage("depthwise", 3, 1, 4, 96, 3),
    Stage("depthwise", 5, 2, 8, 160, 1),
    Stage("depthwise", 5, 1, 4, 160, 3),
    Stage("depthwise", 3, 1, 8, 192, 1),
)
_UNSKIPPED = 13
"""Position of the one block that adds nothing although its shapes would allow it."""
_STEM_FILTERS, _HEAD_FILTERS = 32, 1280
_WIDTHS = (0.75, 1.0, 1.25, 1.5, 1.75)


def _published(width: float) -> Architecture:
    stem_filters = round_filters(_STEM_FILTERS, width)
    stages = [replace(stage, filters=round_filters(stage.filters, width)) for stage in _STAGES]
    blocks = list(blocks_of(stages, stem_filters))
    blocks[_UNSKIPPED] = replace(blocks[_UNSKIPPED], skip=False)
    return Architecture(NAME, 224, stem_filters, tuple(blocks), round_filters(_HEAD_FILTERS, max(width, 1.0)))


FAMILY = only_published(
    NAME, "MobileNet-EdgeTPU", {f"mobilenet-edgetpu-{width:g}": _published(width) for width in _WIDTHS}, smallest_px=40
)

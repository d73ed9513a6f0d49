"""EfficientNet-lite: EfficientNet without squeeze-excite, ReLU6 for swish, stem and head of one size.

Source: tensorflow/tpu, models/official/efficientnet/lite/efficientnet_lite_builder.py.
"""

from __future__ import annotations

import math
from dataclasses import replace

from models.architecture import Architecture
from models.families.family import round_filters
from models.families.only_published import only_published
from models.families.stages import Stage, blocks_of

NAME = "efficientnet_lite"

_STAGES = (
    Stage("depthwise", 3, 1, 1, 16, 1),
    Stage("depthwise", 3, 2, 6, 24, 2),
    Stage("depthwise", 5, 2, 6, 40, 2),
    Stage("depthwise", 3, 2, 6, 80, 3),
    Stage("depthwise", 5, 1, 6, 112, 3),
    Stage("depthwise", 5, 2, 6, 192, 4),
    Stage("depthwise", 3, 1, 6, 320, 1),
)
_STEM_FILTERS, _HEAD_FILTERS = 32, 1280
_SIZES = ((1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 260), (1.2, 1.4, 280), (1.4, 1.8, 300))
"""Width, depth and image side of lite0 to lite4."""


def _published(width: float, depth: float, image_px: int) -> Architecture:
    last = len(_STAGES) - 1
    stages = [
        replace(
            stage,
            filters=round_filters(stage.filters, width),
            depth=stage.depth if number in (0, last) else math.ceil(stage.depth * depth),
        )
        for number, stage in enumerate(_STAGES)
    ]
    blocks = blocks_of(stages, _STEM_FILTERS)
    return Architecture(NAME, image_px, _STEM_FILTERS, blocks, _HEAD_FILTERS, activation="relu6")


FAMILY = only_published(
    NAME,
    "EfficientNet-lite",
    {f"efficientnet-lite{number}": _published(*size) for number, size in enumerate(_SIZES)},
    smallest_px=40,
)

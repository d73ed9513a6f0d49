"""MobileNet v1: depthwise separable convolutions one after the other, no additions; ReLU6.

Source: Howard et al. 2017, table 1; tensorflow/models, research/slim/nets/mobilenet_v1.py.
"""

from __future__ import annotations

from models.architecture import Architecture, Block
from models.families.only_published import only_published

NAME = "mobilenet_v1"

_FILTERS_AND_STRIDES = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
_STEM_FILTERS = 32
_WIDTHS = (0.25, 0.5, 0.75, 1.0)


def _published(width: float) -> Architecture:
    blocks = [
        Block("separable", 3, stride, 0, int(filters * width), skip=False) for filters, stride in _FILTERS_AND_STRIDES
    ]
    return Architecture(NAME, 224, int(_STEM_FILTERS * width), tuple(blocks), 0, activation="relu6")


FAMILY = only_published(
    NAME, "MobileNet v1", {f"mobilenet-v1-{width:g}": _published(width) for width in _WIDTHS}, smallest_px=40
)

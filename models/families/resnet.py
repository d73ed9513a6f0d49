"""ResNet-50, version 1: the stride is in a bottleneck's first 1×1 convolution (version 1.5 has it in the 3×3 one).

Its padding is what "same" gives at every resolution, where the original pads by hand before the strided convolutions:
so no PAD operation runs on the chip. Convolutions have no bias beside their batch norm.

Source: He et al. 2015, table 1; keras.applications.ResNet50.
"""

from __future__ import annotations

from models.architecture import Architecture, Block
from models.families.drawing import Drawing
from models.families.only_published import only_published

NAME = "resnet"

_DEPTHS = (3, 4, 6, 3)
_FIRST_WIDTH, _STEM_FILTERS = 64, 64


def _pool() -> Block:
    drawing = Drawing(_STEM_FILTERS)
    drawing.max_pool(0, 3)
    return drawing.block()


def _bottlenecks() -> list[Block]:
    blocks = []
    for stage, depth in enumerate(_DEPTHS):
        width = _FIRST_WIDTH * 2**stage
        for number in range(depth):
            stride = 2 if stage and not number else 1
            blocks.append(Block("bottleneck", 3, stride, width, 4 * width))
    return blocks


FAMILY = only_published(
    NAME,
    "ResNet v1",
    {"resnet-50": Architecture(NAME, 224, _STEM_FILTERS, (_pool(), *_bottlenecks()), 0, stem_kernel=7)},
    smallest_px=40,
)

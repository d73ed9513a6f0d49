"""Inception v2: batch norm, two 3×3 convolutions for one 5×5.

Its stem is the plain 7×7 convolution of slim's `use_separable_conv=False`; the checkpoint that Google published has a
separable one in its place (7×7 depthwise with 8 filters a channel, then 1×1), which no other network here needs.

Source: Ioffe & Szegedy 2015; tensorflow/models, research/slim/nets/inception_v2.py.
"""

from __future__ import annotations

from functools import partial

from models.architecture import Architecture
from models.families.drawing import Draw, Drawing, drawn
from models.families.only_published import only_published

NAME = "inception_v2"

_Paths = tuple[int, int, int, int, int, int]
"""Filters of the 1×1 path, of the 3×3 path's two layers, of the double 3×3 path's first and others, of the pooled."""


def _begin(cell: Drawing) -> int:
    x = cell.convolve(cell.max_pool(0), 64)
    return cell.max_pool(cell.convolve(x, 192, 3))


def _module(cell: Drawing, filters: _Paths, *, average: bool = True) -> int:
    one, three_in, three, double_in, double, pooled = filters
    pool = cell.average_pool(0) if average else cell.max_pool(0, stride=1)
    return cell.join(
        cell.convolve(0, one),
        cell.convolve(cell.convolve(0, three_in), three, 3),
        cell.convolve(cell.convolve(cell.convolve(0, double_in), double, 3), double, 3),
        cell.convolve(pool, pooled),
    )


def _shrink(cell: Drawing, filters: tuple[int, int, int, int]) -> int:
    """Halve the sides: strided convolutions beside a strided pooling."""
    three_in, three, double_in, double = filters
    deep = cell.convolve(cell.convolve(0, double_in), double, 3)
    return cell.join(
        cell.convolve(cell.convolve(0, three_in), three, 3, stride=2),
        cell.convolve(deep, double, 3, stride=2),
        cell.max_pool(0),
    )


_CELLS: list[Draw] = [
    _begin,
    partial(_module, filters=(64, 64, 64, 64, 96, 32)),
    partial(_module, filters=(64, 64, 96, 64, 96, 64)),
    partial(_shrink, filters=(128, 160, 64, 96)),
    partial(_module, filters=(224, 64, 96, 96, 128, 128)),
    partial(_module, filters=(192, 96, 128, 96, 128, 128)),
    partial(_module, filters=(160, 128, 160, 128, 160, 96)),
    partial(_module, filters=(96, 128, 192, 160, 192, 96)),
    partial(_shrink, filters=(128, 192, 192, 256)),
    partial(_module, filters=(352, 192, 320, 160, 224, 128)),
    partial(_module, filters=(352, 192, 320, 192, 224, 128), average=False),
]

FAMILY = only_published(
    NAME,
    "Inception v2",
    {"inception-v2": Architecture(NAME, 224, 64, drawn(_CELLS, 64), 0, stem_kernel=7)},
    smallest_px=40,
)

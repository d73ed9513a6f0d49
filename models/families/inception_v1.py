"""Inception v1 (GoogLeNet) with batch norm, 3×3 kernels in the third path, and without its auxiliary heads.

Source: Szegedy et al. 2014, table 1; tensorflow/models, research/slim/nets/inception_v1.py.
"""

from __future__ import annotations

from functools import partial

from models.architecture import Architecture
from models.families.drawing import Draw, Drawing, drawn
from models.families.only_published import only_published

NAME = "inception_v1"

_Paths = tuple[int, int, int, int, int, int]
"""Filters of the 1×1 path, of the 3×3 path's two layers, of the second 3×3 path's two, and of the pooled path."""

_STAGES: tuple[tuple[_Paths, ...], ...] = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)


def _begin(cell: Drawing) -> int:
    x = cell.convolve(cell.max_pool(0), 64)
    return cell.max_pool(cell.convolve(x, 192, 3))


def _module(cell: Drawing, filters: _Paths) -> int:
    one, three_in, three, second_in, second, pooled = filters
    return cell.join(
        cell.convolve(0, one),
        cell.convolve(cell.convolve(0, three_in), three, 3),
        cell.convolve(cell.convolve(0, second_in), second, 3),
        cell.convolve(cell.max_pool(0, stride=1), pooled),
    )


def _pool(cell: Drawing, kernel: int) -> int:
    return cell.max_pool(0, kernel)


_CELLS: list[Draw] = [
    _begin,
    *(partial(_module, filters=filters) for filters in _STAGES[0]),
    partial(_pool, kernel=3),
    *(partial(_module, filters=filters) for filters in _STAGES[1]),
    partial(_pool, kernel=2),
    *(partial(_module, filters=filters) for filters in _STAGES[2]),
]

FAMILY = only_published(
    NAME,
    "Inception v1",
    {"inception-v1": Architecture(NAME, 224, 64, drawn(_CELLS, 64), 0, stem_kernel=7)},
    smallest_px=40,
)

"""SqueezeNet: fire modules of a 1×1 convolution that squeezes and two that expand; biases, no batch norm.

Source: Iandola et al. 2016, table 1, and the authors' SqueezeNet_v1.1; poolings as torchvision rounds them.
"""

from __future__ import annotations

from functools import partial

from models.architecture import Architecture
from models.families.drawing import Draw, Drawing, drawn
from models.families.only_published import only_published
from models.layers import Padding

NAME = "squeezenet"


def _fire(cell: Drawing, squeezed: int, expanded: int) -> int:
    narrow = cell.convolve(0, squeezed)
    return cell.join(cell.convolve(narrow, expanded), cell.convolve(narrow, expanded, 3))


def _pool(cell: Drawing, padding: Padding = "valid") -> int:
    return cell.max_pool(0, 3, padding=padding)


_FIRES: list[Draw] = [partial(_fire, squeezed=16 * n, expanded=64 * n) for n in (1, 1, 2, 2, 3, 3, 4, 4)]
_CELLS_1_0: list[Draw] = [_pool, *_FIRES[:3], partial(_pool, padding="same"), *_FIRES[3:7], _pool, _FIRES[7]]
_CELLS_1_1: list[Draw] = [_pool, *_FIRES[:2], _pool, *_FIRES[2:4], _pool, *_FIRES[4:]]


def _published(cells: list[Draw], filters: int, kernel: int) -> Architecture:
    return Architecture(
        NAME,
        224,
        filters,
        drawn(cells, filters),
        0,
        stem_kernel=kernel,
        stem_padding="valid",
        norm=False,
        classifier="convolution",
    )


FAMILY = only_published(
    NAME,
    "SqueezeNet",
    {"squeezenet-1.1": _published(_CELLS_1_1, 64, 3), "squeezenet-1.0": _published(_CELLS_1_0, 96, 7)},
    smallest_px=48,
)
